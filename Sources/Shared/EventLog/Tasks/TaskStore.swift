import Model
import Postgres

/// The tasks of one service: enqueued in its transactions, and looked after when they are dead.
///
/// A lane is all tasks of one queue, destination and order key. Its row is locked before its tasks, everywhere.
public struct TaskStore: Sendable {
    let tables: LogTables

    /// The store in the tables of one service, which alone may use it.
    public init(owner: EventStream) {
        tables = LogTables(owner)
    }

    /// Enqueues tasks with one statement, those of one lane in the order given; those whose key was seen before are left out.
    ///
    /// - Returns: how many are new.
    @discardableResult
    public func enqueue(_ tasks: [NewTask], in session: borrowing Session) throws -> Int {
        if tasks.isEmpty { return 0 }
        return try session.one(enqueueSQL(tasks)) { try $0[0] }
    }

    /// The statement of ``enqueue(_:in:)``, for a pipeline.
    public func enqueueSQL(_ tasks: [NewTask]) -> SQL {
        """
        with input as (
            select distinct on (queue, dedupe_key) *
            from unnest(
                \(tasks.map(\.queue)), \(tasks.map(\.destination)), \(tasks.map(\.orderKey)), \(tasks.map(\.dedupeKey)),
                \(tasks.map(\.campus)), \(tasks.map(\.payload)), \(tasks.map(\.runAt)),
                \(tasks.map { Int32(clamping: $0.maxAttempts) }), \(tasks.map(\.holdsLaneWhenDead)), \(tasks.map(\.trace))
            ) with ordinality as t (
                queue, destination, order_key, dedupe_key, campus_id, payload, run_at, max_attempts, holds, trace, position
            )
            order by queue, dedupe_key, position
        ), fresh as (
            insert into \(tables.taskKey) (queue, dedupe_key)
            select queue, dedupe_key from input order by queue, dedupe_key
            on conflict do nothing
            returning queue, dedupe_key
        ), added as (
            insert into \(tables.task) (
                queue, destination, order_key, dedupe_key, campus_id, payload, run_at, max_attempts,
                holds_lane_when_dead, trace
            )
            select queue, destination, order_key, dedupe_key, campus_id, payload, coalesce(run_at, now()),
                max_attempts, holds, trace
            from input join fresh using (queue, dedupe_key)
            order by position
            returning id, queue, destination, lane, campus_id, run_at
        ), lanes as (
            insert into \(tables.lane) (queue, destination, lane, head, campus_id, ready_at)
            select distinct on (queue, destination, lane) queue, destination, lane, id, campus_id, run_at
            from added
            order by queue, destination, lane, id
            -- Not "do nothing": that would not lock the lane, and who finishes its last task could miss this one.
            on conflict (queue, destination, lane) do update set head = \(tables.lane).head
        )
        select count(*) from added
        """
    }

    /// The dead tasks, by number.
    ///
    /// - Parameters:
    ///   - queue: those of one queue; nil for all.
    ///   - orderKey: those of one order key; nil for all. Goes with a queue.
    ///   - after: the number of the last one of the page before.
    ///   - limit: how many at most.
    ///   - session: where to read.
    /// - Returns: the tasks.
    /// - Throws: `PostgresError`.
    public func dead(
        queue: String? = nil,
        orderKey: String? = nil,
        after: Int64 = 0,
        limit: Int = 100,
        in session: borrowing Session
    ) throws -> [DeadTask] {
        let ofQueue: SQL = queue.map { "queue = \($0) and" } ?? ""
        let ofOrderKey: SQL = orderKey.map { "order_key = \($0) and" } ?? ""
        return try session.query(
            """
            select \(Self.deadColumns) from \(tables.taskDead)
            where \(ofQueue) \(ofOrderKey) id > \(after)
            order by id limit \(rows: limit)
            """
        ) { try DeadTask($0) }
    }

    /// The dead task of that number; nil when there is none.
    public func dead(id: Int64, in session: borrowing Session) throws -> DeadTask? {
        try session.first("select \(Self.deadColumns) from \(tables.taskDead) where id = \(id)") { try DeadTask($0) }
    }

    private static let deadColumns: SQL = """
        id, queue, destination, order_key, dedupe_key, campus_id, payload, attempt, reason, history, enqueued_at, died_at
        """

    /// Ends the pause of the task that is next in its lane, so that it runs at once.
    ///
    /// - Returns: whether one paused; one that runs, or that is dead and holds the lane, does not.
    @discardableResult
    public func hasten(
        queue: String,
        destination: String,
        orderKey: String,
        in session: borrowing Session
    ) throws -> Bool {
        let lane: SQL = "l.queue = \(queue) and l.destination = \(destination) and l.lane = 'key:' || \(orderKey)"
        let counts = try session.pipeline([
            "select from \(tables.lane) l where \(lane) for update",
            """
            update \(tables.lane) l set ready_at = clock_timestamp()
            from \(tables.task) t
            where \(lane) and t.id = l.head and t.claimed_by is null
                and l.ready_at > clock_timestamp() and l.ready_at < 'infinity'
            """,
        ])
        return counts[1] > 0
    }

    /// Gives a dead task all its attempts again; it keeps its history, and its place in its lane.
    ///
    /// - Returns: whether there was such a task.
    @discardableResult
    public func replay(id: Int64, in session: borrowing Session) throws -> Bool {
        guard let place = try place(ofDead: id, in: session) else { return false }
        try session.execute(lock(place))
        let revived: Int = try session.one(
            """
            with revived as (
                delete from \(tables.taskDead) where id = \(id) returning *
            ), task as (
                insert into \(tables.task) (
                    id, queue, destination, order_key, dedupe_key, campus_id, payload, run_at, max_attempts,
                    holds_lane_when_dead, claim, history, enqueued_at, trace
                )
                overriding system value
                select id, queue, destination, order_key, dedupe_key, campus_id, payload, now(), max_attempts,
                    holds_lane_when_dead, claim, history, enqueued_at, trace
                from revived
                returning id, queue, destination, lane, campus_id, run_at
            ), lanes as (
                insert into \(tables.lane) as l (queue, destination, lane, head, campus_id, ready_at)
                select queue, destination, lane, id, campus_id, run_at from task
                on conflict (queue, destination, lane) do update
                    set ready_at = case when l.head = excluded.head then excluded.ready_at else l.ready_at end
            )
            select count(*) from task
            """
        ) { try $0[0] }
        return revived > 0
    }

    /// Drops a dead task for good, and lets those behind it run.
    ///
    /// - Returns: whether there was such a task.
    @discardableResult
    public func discard(id: Int64, in session: borrowing Session) throws -> Bool {
        guard let place = try place(ofDead: id, in: session) else { return false }
        let counts = try session.pipeline(
            [lock(place), "delete from \(tables.taskDead) where id = \(id)"] + advance(place)
        )
        return counts[1] > 0
    }

    private func place(ofDead id: Int64, in session: borrowing Session) throws -> LanePlace? {
        try session.first(
            """
            select id, queue, destination, coalesce('key:' || order_key, 'task:' || id::text) as lane, order_key is not null
            from \(tables.taskDead) where id = \(id)
            """
        ) { row in
            LanePlace(
                id: try row[0],
                queue: try row[1],
                destination: try row[2],
                lane: try row[3],
                isOrdered: try row[4]
            )
        }
    }

    /// How much waits in each queue.
    public func backlog(in session: borrowing Session) throws -> [TaskBacklog] {
        try session.query(
            """
            select queue, coalesce(t.tasks, 0), coalesce(d.dead, 0), t.oldest
            from (select queue, count(*) as tasks, min(enqueued_at) as oldest from \(tables.task) group by queue) t
            full join (select queue, count(*) as dead from \(tables.taskDead) group by queue) d using (queue)
            order by queue
            """
        ) { row in
            TaskBacklog(queue: try row[0], tasks: try row[1], dead: try row[2], oldestEnqueuedAt: try row[3])
        }
    }
}

extension DeadTask {
    fileprivate init(_ row: Row) throws {
        self.init(
            id: try row[0],
            queue: try row[1],
            destination: try row[2],
            orderKey: try row[3],
            dedupeKey: try row[4],
            campus: try row[5],
            payload: try row[6],
            attempts: try row[7],
            reason: try row[8],
            history: try row[9],
            enqueuedAt: try row[10],
            diedAt: try row[11]
        )
    }
}
