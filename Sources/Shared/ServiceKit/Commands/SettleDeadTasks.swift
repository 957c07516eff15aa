import EventLog
import Model
import Postgres

/// What operators do with the dead tasks of a service; each is noted with who did it.
struct SettleDeadTasks<Definition: ServiceDefinition> {
    /// Connections to the database that holds them.
    let pool: ConnectionPool

    private static var store: TaskStore { TaskStore(owner: Definition.stream) }

    /// Gives these tasks their attempts again; all of them, or none when one is not dead.
    ///
    /// - Throws: `CommandFailure` naming the one that is not.
    func replay(_ ids: [Int64]) async throws {
        try await pool.transaction { session in
            for task in try Self.tasks(ids, in: session) { try Self.replay(task, in: session) }
        }
    }

    /// Gives all dead tasks of a queue their attempts again, page by page.
    ///
    /// - Returns: how many there were; one that dies again meanwhile is not replayed twice.
    func replayAll(of queue: String) async throws -> Int {
        var count = 0
        var after: Int64 = 0
        while true {
            let page = try await pool.transaction { [after] session in
                let tasks = try Self.store.dead(queue: queue, after: after, in: session)
                for task in tasks { try Self.replay(task, in: session) }
                return tasks
            }
            guard let last = page.last else { return count }
            count += page.count
            after = last.id
        }
    }

    /// Drops these tasks; all of them, or none when one is not dead.
    ///
    /// - Throws: `CommandFailure` naming the one that is not.
    func discard(_ ids: [Int64]) async throws {
        try await pool.transaction { session in
            for task in try Self.tasks(ids, in: session) {
                try Self.store.discard(id: task.id, in: session)
                try Self.note("task.discarded", task, in: session)
            }
        }
    }

    private static func tasks(_ ids: [Int64], in session: borrowing Session) throws -> [DeadTask] {
        try Set(ids).sorted().map { id in
            guard let task = try store.dead(id: id, in: session) else {
                throw CommandFailure("There is no dead task \(id); tasks list shows those there are. Nothing was done.")
            }
            return task
        }
    }

    private static func replay(_ task: DeadTask, in session: borrowing Session) throws {
        try store.replay(id: task.id, in: session)
        try note("task.replayed", task, in: session)
    }

    private static func note(_ action: String, _ task: DeadTask, in session: borrowing Session) throws {
        try AuditStore().note(
            action,
            subject: "\(Definition.stream.rawValue) task \(task.id)",
            campus: task.campus,
            actor: OperatorSession<Definition>.operatorActor,
            detail: [
                "queue": .string(task.queue), "destination": .string(task.destination),
                "dedupe_key": .string(task.dedupeKey), "attempts": .integer(Int64(task.attempts)),
            ],
            in: session
        )
    }
}
