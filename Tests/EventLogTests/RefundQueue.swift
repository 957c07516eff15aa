import Model
import Postgres
import TestSupport

@testable import EventLog

/// A queue of AfterSalesService, with examples of its tasks and of who works on them.
struct RefundQueue: Sendable {
    let store = TaskStore(owner: .afterSales)

    func task(
        _ key: String,
        destination: String = "wechat",
        order: String? = nil,
        campus: CampusID = exampleCampus,
        maxAttempts: Int = 3,
        holds: Bool = false,
        runAt: Timestamp? = nil
    ) -> NewTask {
        NewTask(
            queue: "refund",
            destination: destination,
            orderKey: order,
            dedupeKey: key,
            campus: campus,
            payload: ["key": .string(key)],
            runAt: runAt,
            maxAttempts: maxAttempts,
            holdsLaneWhenDead: holds
        )
    }

    /// What happens to the leases of a worker that is lost, in no time.
    func expireLeases(_ pool: ConnectionPool) async throws {
        try await pool.autocommit { session in
            try session.execute("update campus.after_sales_lane set ready_at = now()")
        }
    }

    func request(limit: Int = 100, perDestination: Int = 100, perCampus: Int? = nil) -> ClaimRequest {
        ClaimRequest(
            queue: "refund",
            worker: "w",
            lease: .seconds(30),
            limit: limit,
            limitPerDestination: perDestination,
            limitPerCampus: perCampus,
            inHand: [],
            after: ""
        )
    }

    func worker(
        _ pool: ConnectionPool,
        concurrency: Int = 8,
        perDestination: Int? = nil,
        perCampus: Int? = nil,
        lease: Duration = .seconds(5),
        attemptLimit: Duration = .seconds(30),
        shutdownLimit: Duration = .seconds(2),
        whenDead: @escaping @Sendable (borrowing Session, LeasedTask, String) throws -> Void = { _, _, _ in },
        perform: @escaping TaskWorker.Performer
    ) -> TaskWorker {
        TaskWorker(
            queue: "refund",
            owner: .afterSales,
            pool: pool,
            concurrency: concurrency,
            concurrencyPerDestination: perDestination ?? concurrency,
            concurrencyPerCampus: perCampus,
            lease: lease,
            attemptLimit: attemptLimit,
            backoff: Backoff(first: .milliseconds(5), longest: .milliseconds(20)),
            poll: .milliseconds(50),
            shutdownLimit: shutdownLimit,
            logger: .silent,
            whenDead: whenDead,
            perform: perform
        )
    }
}
