import Model

/// Why something that was asked of after-sales is not done.
///
/// Each has its problem in ``AfterSalesRefusal/problem``.
enum AfterSalesRefusal: Error, Hashable {
    /// There is no such thing for this caller.
    case notFound
    /// Cases of this kind are not taken yet.
    case kindNotOffered(CaseKind)
    /// The order was not paid, so there is nothing to give back.
    case orderNotPaid(OrderStatus)
    /// The order was paid on another platform, which alone can refund it.
    case paidElsewhere(OrderSource)
    /// Everything that was paid is back or on its way.
    case nothingLeft
    /// An open case asks for the same already.
    case alreadyOpen(CaseID)
    /// What is asked for does not fit the order.
    case badAsk([AskRefusal])
    /// The case is not in a state for it.
    case caseState(CaseRefusal)
    /// The refund is not in a state for it.
    case refundState(RefundRefusal)
    /// Staff may not act on cases of their own orders.
    case ownCase
    /// Another staff member takes care of the case.
    case claimedByAnother
    /// Amounts of a decision are more than what is left. `index` is the place in the request, nil where all was
    /// granted.
    case amountsTooLarge([TooLarge])
    /// A decision grants nothing although it approves.
    case grantsNothing
    /// Payments of this order cannot be refunded through these channels here.
    case channelUnavailable([PaymentChannel])
    /// The customer urged a moment ago.
    case urgedTooSoon(retryAfter: Duration)
    /// The channel cannot be asked at the moment.
    case channelSilent
    /// Only the platform can say what became of the refund, and has not said that it does not pay it.
    case platformSilent
    /// The platform does not pay this refund, so it has nothing to say of it.
    case notPaidByPlatform(PaymentChannel)
    /// The platform was not asked for the refund yet.
    case notRequestedYet
    /// The channel knows the refund and has not closed it, so it cannot be given up.
    case channelKnowsRefund(ChannelReport)
    /// The request to the channel may still be on its way, so that its not knowing the refund proves nothing yet.
    case tooEarlyToVoid(retryAfter: Duration)
    /// The refund moved while the channel was asked.
    case refundMoved

    /// An amount that does not fit.
    struct TooLarge: Hashable {
        /// Its place in the request.
        let index: Int
        /// What is left of the item.
        let left: Money
    }
}
