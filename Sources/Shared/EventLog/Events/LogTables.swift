import Model
import Postgres

/// The names of one service's tables, which differ only in their prefix.
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

    init(_ owner: EventStream) {
        prefix = owner.rawValue
        func table(_ name: String) -> SQL { SQL(stringLiteral: "campus.\(owner.rawValue)_\(name)") }
        event = table("event")
        cursor = table("cursor")
        member = table("member")
        parked = table("parked")
        task = table("task")
        lane = table("lane")
        taskKey = table("task_key")
        taskDead = table("task_dead")
        timer = table("timer")
    }
}
