import EventLog
import Model
import Postgres

extension Gauges {
    /// Shows how far behind a consumer group is: `lag_ms`, `lag_ticks`, and how many events it has `parked`.
    public func register<Effect: Sendable>(_ name: String, lagOf group: ConsumerGroup<Effect>) {
        register(name) {
            guard let lag = try? await group.lag() else { return nil }
            return .dictionary([
                "lag_ms": .milliseconds(lag.time), "lag_ticks": .integer(lag.ticks), "parked": .integer(lag.parked),
            ])
        }
    }

    /// Shows a queue's tasks: how many are `waiting` and `dead`, and the age of the oldest that waits, `oldest_age_s`.
    public func register(
        _ name: String,
        tasksOf queue: String,
        in tasks: TaskStore,
        pool: ConnectionPool,
        clock: any WallClock
    ) {
        register(name) {
            guard let backlog = try? await pool.autocommit({ try tasks.backlog(in: $0) }) else { return nil }
            let found = backlog.first { $0.queue == queue }
            let age = found?.oldestEnqueuedAt.map { max(.zero, clock.now().duration(since: $0)) } ?? .zero
            return .dictionary([
                "waiting": .integer(found?.tasks ?? 0), "dead": .integer(found?.dead ?? 0),
                "oldest_age_s": .seconds(age),
            ])
        }
    }

    /// Shows the timers that are due and have not fired: how many are `overdue`, and for how long the first of them is,
    /// `longest_overdue_s`.
    public func register(_ name: String, overdueOf timers: TimerStore, pool: ConnectionPool) {
        register(name) {
            guard let overdue = try? await pool.autocommit({ try timers.overdue(in: $0) }) else { return nil }
            return .dictionary([
                "overdue": .integer(overdue.count), "longest_overdue_s": .seconds(overdue.longest),
            ])
        }
    }
}
