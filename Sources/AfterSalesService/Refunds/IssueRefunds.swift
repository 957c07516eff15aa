import EventLog
import Model
import Postgres

/// Turns what a decision granted into refunds, which reserve their money, and the tasks that pay them, in the decision's
/// transaction.
struct IssueRefunds: Sendable {
    private let refundables = RefundableStore()
    private let refunds = RefundStore()
    private let tasks = TaskStore(owner: .afterSales)

    /// What was granted, and where it may come from.
    struct Grant: Sendable {
        /// How much for each item.
        let amounts: [RefundItem: Money]
        /// The only payment to take from; nil for all payments of the order, the first one first.
        let payment: PaymentID?
        /// Whether rules alone granted it.
        let automatic: Bool
    }

    /// Issues one refund for each payment that gives something.
    ///
    /// The order is locked, and the book was read under that lock.
    ///
    /// - Throws: ``NotEnoughLeft`` before anything is written, when more was granted than is left; by the commit at the
    ///   latest, a violation of `refundable_never_exceeded` should the book be wrong about that.
    func callAsFunction(
        _ grant: Grant,
        for answered: AfterSalesCase,
        of order: OrderRecord,
        book: RefundableBook,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> [Refund] {
        let parts = try book.split(grant.amounts, from: grant.payment)
        guard !parts.isEmpty else { return [] }
        var issued: [Refund] = []
        var statements = [refundables.copying(order.id, campus: answered.campus)]
        for part in parts {
            guard let payment = order.payments.first(where: { $0.id == part.payment }) else { throw PaymentMissing() }
            let refund = Refund(part, of: payment, for: answered, automatic: grant.automatic, at: cause.at)
            statements += refunds.insertion(of: refund, part: part)
            issued.append(refund)
        }
        let work = issued.map {
            RefundTask.submit($0.id, of: $0.orderID, version: $0.version).stored(for: $0, trace: cause.trace)
        }
        try session.enqueue(statements + [tasks.enqueueSQL(work)])
        return issued
    }
}

extension Refund {
    /// A new refund of that part of a payment.
    fileprivate init(
        _ part: PaymentPart,
        of payment: OrderPayment,
        for answered: AfterSalesCase,
        automatic: Bool,
        at now: Timestamp
    ) {
        self.init(
            id: .make(at: now),
            campus: answered.campus,
            caseID: answered.id,
            orderID: answered.orderID,
            externalID: answered.externalID,
            customerID: answered.customerID,
            merchantID: answered.merchantID,
            isTest: answered.isTest,
            payment: RefundedPayment(
                id: payment.id,
                channel: payment.channel,
                transactionID: payment.transactionID,
                outTradeNumber: payment.outTradeNumber,
                merchantAccount: payment.merchantAccount,
                subMerchantAccount: payment.subMerchantAccount,
                amount: payment.amount,
                payerAmount: payment.payerAmount
            ),
            amount: part.total,
            reason: answered.reason,
            automatic: automatic,
            createdAt: now,
            updatedAt: now
        )
    }
}

/// What is left of an order names a payment that the order has not; the transaction is given up.
struct PaymentMissing: Error {}
