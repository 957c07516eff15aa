import EventLog
import Logging
import Model
import Postgres
import ServiceKit

/// Changes orders that are there: whatever arrives while a batch is in flight goes into the next one, one request for each order.
struct ChangeOrders: Sendable {
    /// The most requests in one transaction.
    static let batchLimit = 256
    /// How often a request is tried alone while others report the same payment.
    private static let attempts = 3

    private let pool: ConnectionPool
    private let batch: OrderBatch
    private let ticker: Ticker
    private let coalescer: Coalescer<OrderRequest, OrderOutcome>

    init(pool: ConnectionPool, batch: OrderBatch, ticker: Ticker) {
        self.pool = pool
        self.batch = batch
        self.ticker = ticker
        coalescer = Coalescer(limit: Self.batchLimit, subject: \.keys.first) { requests in
            do {
                return try await pool.transaction { try batch.run(requests, waits: false, in: $0) }
            } catch let error where Self.isOfOneRequest(error, among: requests.count) {
                // Something in one of them does not go: each is tried alone, so that the others do not suffer.
                return [OrderOutcome](repeating: .busy, count: requests.count)
            }
        }
    }

    /// Carries out a request and says what the caller is told.
    func callAsFunction(_ request: OrderRequest, logger: Logger) async throws -> Reply {
        // First without waiting for anybody, so that a key that is in flight is answered at once.
        var outcome = try await request.items.count == 1 ? coalescer.submit(request) : alone(request, waits: false)
        if case .busy = outcome { outcome = try await alone(request, waits: true) }
        switch outcome {
        case .done(let reply, let transitions):
            finish(transitions, actor: request.context.actor, logger: logger)
            return reply
        case .replayed(let reply): return reply
        case .refused(let problem): throw problem
        case .busy, .moot: throw Problem.unavailable("The order is being changed elsewhere.")
        }
    }

    /// Carries out what a timer asks; nothing happens when it has become moot.
    func fire(_ request: OrderRequest, logger: Logger) async throws {
        guard case .done(_, let transitions) = try await alone(request, waits: true) else {
            logger.record(.orderTimerMoot, [.timer: .string(request.context.actor.id)])
            return
        }
        finish(transitions, actor: request.context.actor, logger: logger)
    }

    private func alone(_ request: OrderRequest, waits: Bool) async throws -> OrderOutcome {
        let batch = batch
        for _ in 0..<Self.attempts {
            do {
                return try await pool.transaction { try batch.run([request], waits: waits, in: $0)[0] }
            } catch let error as PostgresError where error.isPaymentReportedMeanwhile {
                continue
            }
        }
        return .busy
    }

    private func finish(_ transitions: [OrderTransition], actor: Actor, logger: Logger) {
        guard transitions.contains(where: { !$0.steps.isEmpty }) else { return }
        ticker.hint()
        for transition in transitions { transition.log(to: logger, actor: actor) }
    }

    /// Whether the error is about one of so many requests, and may not come again when that one is tried alone.
    private static func isOfOneRequest(_ error: any Error, among count: Int) -> Bool {
        guard let error = error as? PostgresError else { return count > 1 }
        guard case .server = error else { return false }
        return error.isPaymentReportedMeanwhile || (count > 1 && error.retryAfter == nil)
    }
}
