import Logging
import Model
import Postgres
import ServiceLifecycle
import Synchronization

/// How often ticks are closed.
public struct TickerOptions: Sendable {
    /// The least time between two ticks while little happens.
    public var shortestGap: Duration
    /// The time between two ticks while there is work.
    public var busyGap: Duration
    /// The time between two looks while there is none.
    public var idleGap: Duration

    /// Chooses gaps; the defaults suit every deployment.
    public init(
        shortestGap: Duration = .milliseconds(1),
        busyGap: Duration = .milliseconds(5),
        idleGap: Duration = .milliseconds(250)
    ) {
        self.shortestGap = shortestGap
        self.busyGap = busyGap
        self.idleGap = idleGap
    }
}

/// Closes ticks, so that consumers may read what was appended, and wakes them.
///
/// Every process runs one; an advisory lock lets one at a time tick, so that none is a single point of failure. What it sends are the
/// only notifications in the system.
public final class Ticker: Service {
    private let pool: ConnectionPool
    private let logger: Logger
    private let options: TickerOptions
    private let wakeup = Wakeup()
    private let hints = Atomic(0)
    private let isStopping = Atomic(false)

    /// More hints than this between two ticks are a load, for which fewer and larger ticks are cheaper.
    private static let hintsUnderLoad = 8
    /// So many looks in a row that find nothing make the ticker idle.
    private static let looksUntilIdle = 3

    /// A ticker that borrows a connection of this pool for each tick.
    public init(pool: ConnectionPool, options: TickerOptions = TickerOptions(), logger: Logger) {
        self.pool = pool
        self.options = options
        self.logger = logger
    }

    /// Says that something was appended and committed, so that the next tick need not wait.
    public func hint() {
        hints.add(1, ordering: .relaxed)
        wakeup.raise()
    }

    /// Ticks until shut down.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await tickUntilStopped()
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .relaxed)
            self.wakeup.raise()
        }
    }

    private func tickUntilStopped() async throws {
        let clock = ContinuousClock()
        var emptyLooks = 0
        var contentions = 0
        var failures = 0
        while !isStopping.load(ordering: .relaxed), !Task.isCancelled {
            let hinted = hints.exchange(0, ordering: .relaxed)
            let started = clock.now
            do {
                let made = try await tick()
                emptyLooks = made == 0 ? emptyLooks + 1 : 0
                contentions = made == -1 && (hinted > 0 || contentions > 0) ? contentions + 1 : 0
                if failures > 0 { logger.report(.notice, "ticker.recovered", "Ticking again") }
                failures = 0
            } catch {
                if Task.isCancelled { return }
                failures += 1
                if failures == 1 {
                    logger.report(.error, "ticker.failed", "Cannot tick", error: error)
                }
                // A hint changes nothing about the failure, so this wait is not cut short by one.
                try? await Task.sleep(for: options.idleGap)
                continue
            }
            if contentions > 0 {
                // Another process was at it, and may have looked before what was hinted at was committed: the hint still stands.
                let gap = min(options.shortestGap * (1 << min(contentions - 1, 16)), options.busyGap)
                try? await Task.sleep(until: started.advanced(by: gap), clock: clock)
                continue
            }
            let isIdle = emptyLooks >= Self.looksUntilIdle
            guard try await wakeup.waitUnlessCancelled(atMost: isIdle ? options.idleGap : options.busyGap) else {
                continue
            }
            let gap = hinted > Self.hintsUnderLoad ? options.busyGap : options.shortestGap
            let next = started.advanced(by: gap)
            if clock.now < next { try? await Task.sleep(until: next, clock: clock) }
        }
    }

    /// The tick closed; 0 when nothing moved, -1 when another process is at it.
    private func tick() async throws -> Int64 {
        try await pool.autocommit { session in
            try session.one("select campus.tick()") { try $0[0] }
        }
    }
}
