import EventLog
import Model
import Postgres

/// What operators do with the parked events of a service; each is noted with who did it.
struct SettleParkedEvents<Definition: ServiceDefinition> {
    /// Connections to the database that holds them.
    let pool: ConnectionPool

    private static var store: ParkedEventStore { ParkedEventStore(owner: Definition.stream) }

    /// Asks a group to try the events of an order again, or all that it has parked.
    ///
    /// - Returns: how many they are.
    /// - Throws: `CommandFailure` when there are none.
    func replay(group: String, order: AnyID?) async throws -> Int {
        try await pool.transaction { session in
            let count =
                try order.map { try Self.store.requestReplay(consumer: group, root: $0, in: session) }
                ?? Self.store.requestReplay(consumer: group, in: session)
            guard count > 0 else {
                throw CommandFailure("\(group) has no such parked events; events parked shows those there are.")
            }
            let subject = order.map { "\(group) order \($0)" } ?? "\(group) all"
            try Self.note("event.replayed", subject, nil, ["events": .integer(Int64(count))], in: session)
            return count
        }
    }

    /// Drops an event, and asks the group to try those that waited behind it.
    ///
    /// - Returns: how many waited.
    /// - Throws: `CommandFailure` when it is not parked.
    func discard(_ id: Int64, group: String) async throws -> Int {
        try await pool.transaction { session in
            let found = try Self.store.list(consumer: group, after: id - 1, limit: 1, in: session).first?.event
            guard let event = found, event.id == id else {
                throw CommandFailure("\(group) has not parked event \(id); events parked shows those there are.")
            }
            try Self.store.discard(consumer: group, eventID: id, in: session)
            let detail: JSON = ["type": .string(event.type), "order_id": .string(event.root.description)]
            try Self.note("event.discarded", "\(group) event \(id)", event.campus, detail, in: session)
            return try Self.store.requestReplay(consumer: group, root: event.root, in: session)
        }
    }

    private static func note(
        _ action: String,
        _ subject: String,
        _ campus: CampusID?,
        _ detail: JSON,
        in session: borrowing Session
    ) throws {
        try AuditStore().note(
            action,
            subject: subject,
            campus: campus,
            actor: OperatorSession<Definition>.operatorActor,
            detail: detail,
            in: session
        )
    }
}
