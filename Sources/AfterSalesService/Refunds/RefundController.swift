import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit

/// The routes of refunds.
struct RefundController: Sendable {
    let requests: RequestTransaction
    let voidRefund: VoidRefund

    private let refunds = RefundStore()
    private let retryRefund = RetryRefund()
    private let takeResult = TakeResult()

    private static let tag = "Refunds"

    init(requests: RequestTransaction, voidRefund: VoidRefund) {
        self.requests = requests
        self.voidRefund = voidRefund
    }

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "getRefund",
                .get,
                "/v1/refunds/{id}",
                summary: "Read a refund",
                tag: Self.tag,
                access: .roles([.customer, .merchant, .agent, .supervisor, .admin], scope: .afterSalesRead),
                parameters: [.ifNoneMatch],
                responses: [.json("The refund.", Refund.schema, headers: [.etag]), .empty(304, "It has not changed.")]
            ) { try await get($0) },
            Operation(
                "reportRefundResult",
                .post,
                "/v1/refunds/{id}/result",
                summary: "Report what came of a refund that the platform pays itself",
                details: """
                    For refunds of payments with the channel `delegated`, after `refund.requested`. Reports may come late, twice and in any \
                    order: the answer says what was made of one and what stands. Money that is back stays back; silence makes a refund \
                    `unknown`, never anything else.
                    """,
                tag: Self.tag,
                access: .platform(.afterSalesWrite),
                body: RefundResult.schema,
                responses: [.json("What was made of it.", RefundResult.judged, headers: [.etag])],
                problems: [.illegalTransition, .notPaidByPlatform],
                idempotent: true
            ) { try await report($0) },
            Operation(
                "retryRefund",
                .post,
                "/v1/refunds/{id}/retry",
                summary: "Hand a failed refund to its channel once more, or go on with a waiting one at once",
                details: """
                    Under the same number, so that it cannot be paid twice. The money stayed reserved all the while. A refund that \
                    waits for its channel, also one that could not be paid out, has its channel asked now rather than later. A refund that \
                    the platform pays is asked of it once more, when it failed or nothing is known of it.
                    """,
                tag: Self.tag,
                access: .roles([.agent, .supervisor, .admin], scope: .afterSalesWrite),
                responses: [
                    .json(202, "The refund, to be submitted or asked about again.", Refund.schema, headers: [.etag])
                ],
                problems: [.illegalTransition, .ownCase],
                idempotent: true
            ) { try await retry($0) },
            Operation(
                "voidRefund",
                .post,
                "/v1/refunds/{id}/void",
                summary: "Give a refund up and release its money",
                details: """
                    The channel is asked first; only when it does not know the refund, has refused it or has closed it, is the \
                    refund closed and its money free to be decided on again. A refund that the platform pays is given up only before it \
                    was asked for, or when the platform has reported `failed`.
                    """,
                tag: Self.tag,
                access: .roles([.agent, .supervisor, .admin], scope: .afterSalesWrite),
                responses: [.json("The refund, closed.", Refund.schema, headers: [.etag])],
                problems: [.illegalTransition, .ownCase, .channelUnavailable, .channelSilent, .refundNotVoidable],
                idempotent: true
            ) { try await void($0) },
        ]
    }

    private func get(_ call: Call) async throws -> Reply {
        let refund = try await visible(call)
        guard !call.hasCurrent(refund.version) else { return Reply(status: 304).etag(refund.version) }
        guard call.principal.isPlatform else { return .ok(refund.json).etag(refund.version) }
        let payer = try await requests.read { session in try refunds.payer(of: refund, in: session) }
        return .ok(refund.json(paidBy: payer)).etag(refund.version)
    }

    private func report(_ call: Call) async throws -> Reply {
        if let replayed = try await requests.replay(call) { return replayed }
        let refund = try await visible(call)
        guard refund.isPaidByPlatform else {
            throw AfterSalesRefusal.notPaidByPlatform(refund.payment.channel).problem
        }
        if RefundResult.isPartlyPaid(call.body, refund) { call.logger.record(.refundPartlyPaid, refund.logValues) }
        let result = try RefundResult(call.body, about: refund, now: call.now)
        let cause = Cause(call)
        return try await requests.once(call) { session in
            try takeResult(result, about: refund, on: call.campus, cause, logger: call.logger, in: session)
        } reply: { judged in
            .ok(judged.json).etag(judged.refund.version)
        } done: { judged in
            if let event = judged.event { call.logger.record(event, judged.refund.logValues) }
        }
    }

    private func retry(_ call: Call) async throws -> Reply {
        if let replayed = try await requests.replay(call) { return replayed }
        let refund = try await movable(call)
        return try await requests.once(call) { session in
            try retryRefund(refund, Cause(call), in: session)
        } reply: { refund in
            Reply(status: 202, body: .json(refund.json)).etag(refund.version)
        } done: { refund in
            call.logger.record(.refundRetried, refund.logValues)
        }
    }

    private func void(_ call: Call) async throws -> Reply {
        if let replayed = try await requests.replay(call) { return replayed }
        let refund = try await movable(call)
        let cause = Cause(call)
        let examined = try await refusalsAsProblems {
            do {
                return try await voidRefund.examine(refund.id, campus: call.campus, cause)
            } catch let refusal as AfterSalesRefusal {
                call.logger.record(.refundVoidRefused, refund.logValues)
                throw refusal
            }
        }
        return try await requests.once(call) { session in
            try voidRefund.conclude(examined, campus: call.campus, cause, in: session)
        } reply: { refund in
            .ok(refund.json).etag(refund.version)
        } done: { refund in
            call.logger.record(.refund(refund.status), refund.logValues)
        }
    }

    private func visible(_ call: Call) async throws -> Refund {
        let id: RefundID = try call.id()
        return try await requests.read { session in
            guard let refund = try refunds.find(id, campus: call.principal.campus, in: session),
                call.principal.maySee(customer: refund.customerID, merchant: refund.merchantID)
            else { throw AfterSalesRefusal.notFound }
            return refund
        }
    }

    /// A refund that this staff member may move: not one of their own orders.
    private func movable(_ call: Call) async throws -> Refund {
        let refund = try await visible(call)
        guard !call.principal.isStaffOnOwn(refund.customerID) else { throw AfterSalesRefusal.ownCase.problem }
        return refund
    }
}

extension TakeResult.Judged {
    /// As it is sent.
    fileprivate var json: JSON {
        ["outcome": .string(outcome.rawValue), "refund": refund.json]
    }

    /// The line for it; nil for a contradiction, which was logged before the commit.
    fileprivate var event: LoggedEvent? {
        switch outcome {
        case .taken, .late: .refund(refund.status)
        case .repeated, .outdated: .refundReportIgnored
        case .contradictory: nil
        }
    }
}
