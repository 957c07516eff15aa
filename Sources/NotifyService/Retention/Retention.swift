import Model
import Postgres
import ServiceKit

/// How long what NotifyService keeps is kept.
enum Retention {
    /// How much one transaction removes, about.
    private static let portion = 2_000

    /// The rules that the settings make.
    static func rules(
        _ configuration: ServiceConfiguration,
        pool: ConnectionPool,
        clock: any WallClock
    ) throws -> [RetentionRule] {
        let inbox = try configuration[.inboxRetention]
        let deliveries = try configuration[.deliveryRetention]
        return [
            RetentionRule("inbox", after: inbox, portion: portion, pool: pool, clock: clock) { time, limit, session in
                try InboxStore().prune(filedBefore: time, limit: limit, in: session)
            },
            RetentionRule("deliveries", after: deliveries, portion: portion, pool: pool, clock: clock) {
                try RetentionStore().pruneDeliveries(before: $0, limit: $1, in: $2)
            },
            RetentionRule("tickets", after: .zero, portion: .max, pool: pool, clock: clock) { time, _, session in
                try StreamTicketStore().prune(expiredBefore: time, in: session)
            },
        ]
    }
}
