import Logging
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService
@testable import EventLog

/// A campus with one refund decided, its task and a worker's hands to do it.
struct RefundBench: Sendable {
    let database: TestDatabase
    let pool: ConnectionPool
    let campus: Campus
    let order: OrderFixture
    let refund: Refund
    /// The refund's first task, as though it were in hand.
    let task: LeasedTask
    let execute: ExecuteRefund
    let voidRefund: VoidRefund
    let fireTimer: FireRefundTimer
    let move = MoveRefund()

    /// Decides a refund of these lines, or of the whole order, through `channel`, which is the campus's sandbox unless told
    /// otherwise, and hands it to `body` before anything is done.
    static func with(
        _ channel: any RefundChannel,
        for payment: PaymentChannel = .sandbox,
        lines: [LineQuantity]? = nil,
        requestLifetime: Duration = .zero,
        logger: Logger = .silent,
        _ body: @Sendable (RefundBench) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let owner = try database.pool(as: .superuser, size: 2)
            let pool = try database.pool(as: .afterSalesService, size: 4)
            let id = try await TestCampus.insertCampus(owner, isTest: true)
            let order = OrderFixture(minutesLate: 20, payments: [PaymentFixture(channel: payment)])
            try await order.insert(id, try database.pool(as: .orderService, size: 1))
            let directory = CampusDirectory(pool: pool, clock: SystemWallClock(), logger: .silent)
            let campus = try #require(try await directory.campus(id))
            let channels = RefundChannels([payment: channel])
            let refund = try await decide(
                order,
                lines.map(AfterSalesService.Scope.lines) ?? .wholeOrder,
                campus,
                channels,
                pool
            )
            let execute = ExecuteRefund(
                pool: pool,
                directory: directory,
                channels: channels,
                clock: SystemWallClock(),
                logger: logger
            )
            let voidRefund = VoidRefund(
                pool: pool,
                channels: channels,
                clock: SystemWallClock(),
                requestLifetime: requestLifetime
            )
            try await body(
                RefundBench(
                    database: database,
                    pool: pool,
                    campus: campus,
                    order: order,
                    refund: refund,
                    task: leased(refund),
                    execute: execute,
                    voidRefund: voidRefund,
                    fireTimer: FireRefundTimer(pool: pool, directory: directory, logger: logger)
                )
            )
        }
    }

    private static func decide(
        _ order: OrderFixture,
        _ scope: AfterSalesService.Scope,
        _ campus: Campus,
        _ channels: RefundChannels,
        _ pool: ConnectionPool
    ) async throws -> Refund {
        let customer = Principal(campus: campus.id, actor: Actor(role: .customer, id: "stu_1"))
        let request = OpenCase.Request(
            orderID: order.id,
            kind: .refund,
            reason: .late,
            scope: scope,
            description: nil,
            source: "app"
        )
        let cause = Cause(actor: customer.actor, at: SystemWallClock().now(), trace: nil)
        let file = try await pool.transaction { session in
            try OpenCase(channels: channels)(request, by: customer, campus: campus, brake: .untried, cause, in: session)
        }
        return try #require(file.refunds.first)
    }

    private static func leased(_ refund: Refund) -> LeasedTask {
        let stored = RefundTask.submit(refund.id, of: refund.orderID, version: refund.version)
            .stored(for: refund, trace: nil)
        return LeasedTask(
            id: 1,
            queue: stored.queue,
            destination: stored.destination,
            orderKey: stored.orderKey,
            dedupeKey: stored.dedupeKey,
            campus: stored.campus,
            payload: stored.payload,
            attempt: 1,
            maxAttempts: stored.maxAttempts,
            firstEnqueuedAt: refund.createdAt,
            trace: nil,
            claim: 1,
            lane: "key:\(refund.id)",
            holdsLaneWhenDead: true
        )
    }

    /// Works on the refund's tasks during `body`; one that failed pauses for longer than a test takes.
    func working(_ body: @Sendable () async throws -> Void) async throws {
        let worker = TaskWorker(
            queue: RefundTask.queue,
            owner: .afterSales,
            pool: pool,
            backoff: Backoff(first: .seconds(600), longest: .seconds(600)),
            poll: .milliseconds(20),
            logger: .silent
        ) { task in try await execute.perform(task) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            try await body()
            group.cancelAll()
        }
    }

    func stored() async throws -> Refund {
        let found = try await pool.transaction { session in
            try RefundStore().find(refund.id, campus: campus.id, in: session)
        }
        return try #require(found)
    }

    func awaitStatus(_ status: RefundStatus) async throws {
        try await eventually("the refund is \(status)") { try await stored().status == status }
    }

    /// Waits until its one task is in nobody's hands: what hastens it would be undone by its end.
    func awaitPause() async throws {
        try await eventually("its task waits") {
            let tasks = try await number("select count(*) from campus.after_sales_task")
            let inHand = try await number("select count(*) from campus.after_sales_task where claimed_by is not null")
            return tasks == 1 && inHand == 0
        }
    }

    /// Asks for the refund once more, as an agent.
    func retry() async throws {
        let seen = try await stored()
        let cause = Cause(actor: Actor(role: .agent, id: "kf_1"), at: SystemWallClock().now(), trace: nil)
        _ = try await pool.transaction { session in try RetryRefund()(seen, cause, in: session) }
    }

    func number(_ sql: SQL) async throws -> Int64 {
        try await pool.transaction { session in try session.one(sql) { row in try row[0] } }
    }

    func remaining() async throws -> Int64 {
        try await number(
            """
            select paid_fen - reserved_fen - refunded_fen from campus.refundable
            where order_id = \(order.id) and item = 'whole'
            """
        )
    }
}
