import Postgres
import Synchronization

/// Something that becomes true once.
public final class Flag: Sendable {
    private let flag = Atomic(false)

    /// Not yet true.
    public init() {}

    /// Whether it is true by now.
    public var value: Bool { flag.load(ordering: .relaxed) }

    /// Makes it true.
    public func set() { flag.store(true, ordering: .relaxed) }
}

extension Session {
    /// Keeps the transaction open until somebody says so; a statement at a time, because a transaction that does nothing is ended.
    ///
    /// - Throws: `NeverHappened` when nobody does within a minute.
    public func stayOpen(until isOver: Flag) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !isOver.value {
            guard ContinuousClock.now < deadline else { throw NeverHappened(what: "the transaction may end") }
            try execute("select pg_sleep(0.01)")
        }
    }
}

extension ConnectionPool {
    /// Waits until so many sessions of this pool's database wait for locks that others hold.
    ///
    /// - Throws: `NeverHappened` after a minute.
    public func waitForLockWaits(_ count: Int = 1) async throws {
        try await eventually("\(count) sessions wait for locks") {
            try await autocommit { session in
                try session.one(
                    """
                    select count(*) from pg_stat_activity
                    where datname = current_database() and wait_event_type = 'Lock'
                    """
                ) { row -> Int in try row[0] } == count
            }
        }
    }
}
