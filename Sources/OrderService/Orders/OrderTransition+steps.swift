import Model

extension OrderTransition {
    /// Moves the order to its next version by that change.
    mutating func take(_ kind: OrderStep.Kind, at: Timestamp, _ context: OrderContext) {
        order.version += 1
        order.updatedAt = context.now
        steps.append(OrderStep(kind: kind, at: at, facts: order.facts(isTest: context.isTest)))
    }

    /// When the step happened: as reported, which must not lie before an earlier step's reported time, else our clock.
    mutating func report(_ step: OrderAction, _ context: OrderContext) throws(OrderRefusal) -> Timestamp {
        guard let at = context.reportedAt else { return context.now }
        if let last = order.lastReported, at < last.at { throw .timeBefore(last, at: at) }
        order.lastReported = ReportedTime(step: step, at: at)
        return at
    }

    /// Gives that part of the payment to the order.
    mutating func share(_ payment: ReportedPayment, _ purpose: PaymentPurpose, _ amount: Money) {
        let share = PaymentShare(
            paymentID: payment.id,
            channel: payment.channel,
            transactionID: payment.transactionID,
            paidAt: payment.paidAt,
            purpose: purpose,
            amount: amount
        )
        shares.append(share)
        order.payments.append(share)
    }

    /// Records money that the order has no use for, and says that it is due back.
    mutating func owe(
        _ payment: ReportedPayment,
        _ purpose: PaymentPurpose,
        _ amount: Money,
        _ cause: RefundDueCause,
        _ context: OrderContext
    ) {
        share(payment, purpose, amount)
        let due = RefundDue(paymentID: payment.id, cause: cause, amount: amount)
        take(.event(.refundDue(due)), at: payment.paidAt, context)
    }

    /// Cancels the order, and says for each payment that counted what is due back.
    mutating func callOff(
        _ step: OrderAction,
        _ change: OrderChange,
        reason: String,
        _ context: OrderContext
    ) throws(OrderRefusal) {
        let at = try report(step, context)
        order.status = .cancelled
        order.times.cancelled = at
        order.cancellation = Cancellation(actor: context.actor, reason: reason)
        disarmed.formUnion([.payment, .acceptance])
        take(.event(change), at: at, context)
        for share in order.payments where share.purpose.counts && share.amount > .zero {
            let due = RefundDue(paymentID: share.paymentID, cause: .cancelled, amount: share.amount)
            take(.event(.refundDue(due)), at: at, context)
        }
    }
}

extension Order {
    /// What events say of it.
    func facts(isTest: Bool) -> OrderFacts {
        OrderFacts(
            orderID: id,
            externalID: terms.externalID,
            shortNumber: terms.shortNumber,
            source: terms.source,
            status: status,
            version: version,
            customerID: terms.customerID,
            merchantID: terms.merchant.id,
            riderID: rider?.id,
            payable: terms.bill.payable,
            paid: paid,
            promisedAt: terms.promisedAt,
            isTest: isTest
        )
    }
}
