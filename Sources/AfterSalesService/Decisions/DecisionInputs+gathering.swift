import Model
import ServiceKit

extension DecisionInputs {
    /// What rules may know of that case at that time.
    init(
        _ subject: AfterSalesCase,
        of order: OrderRecord,
        book: RefundableBook,
        channels: RefundChannels,
        campus: Campus,
        due: RefundDueCause? = nil,
        refusedBefore: [RefundItem] = [],
        at now: Timestamp
    ) {
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
            unavailableChannels: channels.unavailable(for: order.payments),
            due: due,
            lateThreshold: campus.settings.lateThreshold,
            claimWindow: campus.settings.claimWindow,
            reviewDueAt: subject.reviewDueAt,
            reviewDue: campus.localTime(at: subject.reviewDueAt.roundedUpToMinute)
        )
    }
}
