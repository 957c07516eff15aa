import EventLog
import Logging
import Model
import Postgres
import ServiceKit

/// Places an order: whatever arrives while a batch is in flight goes into the next one, as one statement.
struct PlaceOrder: Sendable {
    /// The most orders in one statement.
    static let batchLimit = 256
    /// How often a batch is run again because an external number was being placed elsewhere at the same moment.
    private static let attempts = 3

    private let coalescer: Coalescer<NewOrder, PlacingOutcome>
    private let ticker: Ticker

    init(pool: ConnectionPool, orders: OrderStore, ticker: Ticker) {
        self.ticker = ticker
        coalescer = Coalescer(limit: Self.batchLimit, subject: \.key) { members in
            try await Self.place(members, orders: orders, pool: pool)
        }
    }

    /// Places the order that the call describes.
    func callAsFunction(_ call: Call) async throws -> Reply {
        let actor = call.principal.actor
        guard call.principal.key != nil else {
            throw Problem(.forbidden, "Orders are placed by the platform, which knows their prices; send its key.")
        }
        let terms = try OrderTerms.parsed(call.body, now: call.now)
        if actor.role == .customer, actor.id != terms.customerID {
            throw Problem.validation("/customer/id", "must be the actor's own id")
        }
        let context = OrderContext(call, reportedAt: nil)
        let transition = Order.placed(terms, id: OrderID.make(at: call.now), campus: call.campus.id, in: context)
        let new = try NewOrder(
            transition,
            key: try call.requireIdempotency(),
            actor: actor,
            trace: call.trace.description
        )
        switch try await coalescer.submit(new) {
        case .placed:
            ticker.hint()
            transition.log(to: call.logger, actor: actor)
            return new.reply.reply
        case .replayed(let reply): return reply.replayed
        case .mismatch: throw Problem.refusal(of: .mismatch)
        case .inFlight: throw Problem.refusal(of: .inFlight)
        case .taken(let other):
            throw Problem(
                .externalIDTaken,
                "The external_id belongs to the order \(other).",
                members: ["order_id": .string(other.description)]
            )
        }
    }

    private static func place(
        _ members: [NewOrder],
        orders: OrderStore,
        pool: ConnectionPool
    ) async throws -> [PlacingOutcome] {
        var outcomes = [PlacingOutcome](repeating: .inFlight, count: members.count)
        var waiting = Array(members.indices)
        while !waiting.isEmpty {
            // One statement sees no two of one external number: the second finds the first in the next one.
            var numbers: Set<ExternalNumber> = []
            let (now, later) = waiting.partitioned { index in
                ExternalNumber(members[index].order).map { numbers.insert($0).inserted } ?? true
            }
            let placed = try await placeDistinct(now.map { members[$0] }, orders: orders, pool: pool)
            for (index, outcome) in zip(now, placed) { outcomes[index] = outcome }
            waiting = later
        }
        return outcomes
    }

    private static func placeDistinct(
        _ members: [NewOrder],
        orders: OrderStore,
        pool: ConnectionPool
    ) async throws -> [PlacingOutcome] {
        for _ in 1..<attempts {
            do {
                return try await pool.autocommit { try orders.place(members, in: $0) }
            } catch let error as PostgresError where error.sqlState == .uniqueViolation {
                continue
            }
        }
        return try await pool.autocommit { try orders.place(members, in: $0) }
    }
}

/// An external number within its campus.
private struct ExternalNumber: Hashable {
    var campus: CampusID
    var externalID: String

    init?(_ order: Order) {
        guard let externalID = order.terms.externalID else { return nil }
        campus = order.campus
        self.externalID = externalID
    }
}

extension Array {
    /// Those for which `belongs` holds, and the others, both in their order.
    fileprivate func partitioned(by belongs: (Element) -> Bool) -> (matching: [Element], others: [Element]) {
        var matching: [Element] = []
        var others: [Element] = []
        for element in self {
            if belongs(element) { matching.append(element) } else { others.append(element) }
        }
        return (matching, others)
    }
}

extension Problem {
    /// What is said about a key that may not proceed.
    fileprivate static func refusal(of claim: IdempotencyClaim) -> any Error {
        do {
            _ = try claim.settled()
            return Problem(.idempotencyInFlight, "A request with this Idempotency-Key is being worked on.")
        } catch {
            return error
        }
    }
}
