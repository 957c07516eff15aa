import Model
import Postgres
import ServiceKit

/// How long what OrderService keeps is kept.
enum Retention {
    /// How many positions one transaction removes, about.
    private static let portion = 5_000

    /// The rules that the settings make.
    static func rules(
        _ configuration: ServiceConfiguration,
        pool: ConnectionPool,
        directory: CampusDirectory,
        clock: any WallClock
    ) throws -> [RetentionRule] {
        let store = OrderErasureStore()
        let positions = try configuration[.positionRetention]
        let persons = try configuration[.personalDataRetention]
        return [
            RetentionRule("positions", after: positions, portion: portion, pool: pool, clock: clock) {
                try store.prunePositions(before: $0, limit: $1, in: $2)
            },
            RetentionRule(
                "orders",
                after: persons,
                of: "campus.orders",
                owner: .orders,
                pool: pool,
                directory: directory
            ) {
                campus,
                orders,
                now,
                session in
                for kind in [PartyKind.customer, .rider] {
                    try store.erase(orders, of: kind, in: campus, at: now, session: session)
                }
            },
        ]
    }
}

extension Setting where Value == Duration {
    /// How long positions are kept.
    static let positionRetention = Setting.days(
        "POSITION_RETENTION_DAYS",
        default: 30,
        1...3_650,
        "How many days the positions of riders are kept."
    )
}
