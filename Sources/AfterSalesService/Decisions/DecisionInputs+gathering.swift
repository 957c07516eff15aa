import Model
import ServiceKit

extension DecisionInputs {
    /// What rules may know of that case at that time.
    ///
    /// - `refusedBefore`: what of it a person refused earlier.
    /// - `due`: the money that the service found to be due; only that payment's channel matters then.
    init(
        _ subject: AfterSalesCase,
        of order: OrderRecord,
        book: RefundableBook,
        refusedBefore: [RefundItem] = [],
        channels: RefundChannels,
        campus: Campus,
        due: RefundDue? = nil,
        at now: Timestamp
    ) {
        let payments = order.payments.filter { due == nil || $0.id == due?.paymentID }
        self.init(
            now: now,
            policyVersion: order.policyVersion,
            kind: subject.kind,
            reason: subject.reason,
            requested: subject.requested,
            orderStatus: order.status,
            promisedAt: order.promisedAt,
            acceptedAt: order.acceptedAt,
            deliveredAt: order.deliveredAt,
            cancelledAt: order.cancelledAt,
            handover: order.handover,
            payments: order.payments.count,
            surplusLeft: book.remaining(.surplus),
            unavailableChannels: channels.unavailable(for: payments, on: campus),
            due: due?.cause,
            refusedBefore: refusedBefore,
            memberTier: order.customer.memberTier,
            accountAgeDays: order.customer.accountAgeDays(at: now),
            newAccount: campus.settings.newAccount,
            largeClaim: campus.settings.largeClaim,
            lateThreshold: campus.settings.lateThreshold,
            claimWindow: campus.settings.claimWindow,
            reviewDueAt: subject.reviewDueAt,
            reviewDue: campus.localTime(at: subject.reviewDueAt.roundedUpToMinute)
        )
    }
}
