import Model
import Postgres

/// The names of one service's tables and functions, which differ only in their prefix.
struct LogTables: Sendable {
    /// The prefix: the name of the stream that the service writes.
    let prefix: String
    let event: SQL
    let cursor: SQL
    let member: SQL
    let parked: SQL
    let task: SQL
    let lane: SQL
    let taskKey: SQL
    let taskDead: SQL
    let timer: SQL
    let advance: SQL
    let claimTasks: SQL
    let claimTimers: SQL

    init(_ owner: EventStream) {
        prefix = owner.rawValue
        func name(_ name: String) -> SQL { SQL(stringLiteral: "campus.\(owner.rawValue)_\(name)") }
        event = name("event")
        cursor = name("cursor")
        member = name("member")
        parked = name("parked")
        task = name("task")
        lane = name("lane")
        taskKey = name("task_key")
        taskDead = name("task_dead")
        timer = name("timer")
        advance = name("advance")
        claimTasks = name("claim_tasks")
        claimTimers = name("claim_timers")
    }
}
