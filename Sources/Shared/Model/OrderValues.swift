/// Where an order stands.
public enum OrderStatus: String, CaseIterable, Hashable, Sendable {
    /// Placed, not paid. Can become paid or cancelled.
    case placed
    /// Paid, waiting for the merchant. Can become accepted or cancelled.
    case paid
    /// The merchant is preparing it. Can become ready or cancelled.
    case accepted
    /// It waits for a rider or for the customer. Can become picked up or cancelled.
    case ready
    /// A rider carries it. Can become delivered.
    case pickedUp = "picked_up"
    /// Handed over. Becomes completed, by the customer or after a day.
    case delivered
    /// Over and done. Final.
    case completed
    /// Called off. Final.
    case cancelled
}

/// Which platform the order was placed on.
public enum OrderSource: String, CaseIterable, Hashable, Sendable {
    /// The integrating platform itself.
    case own
    /// Meituan.
    case meituan
    /// Ele.me.
    case eleme
    /// JD.
    case jd
}

/// How a payment travels, and its refund back.
public enum PaymentChannel: String, CaseIterable, Hashable, Sendable {
    /// The built-in pretend channel for development and test campuses.
    case sandbox
    /// The platform pays with its own credentials and reports the outcome.
    case delegated
    /// WeChat Pay.
    case wechat
    /// Alipay.
    case alipay
    /// The student's balance.
    case balance
}

/// Who pays for a discount.
public enum Funder: String, CaseIterable, Hashable, Sendable {
    /// The shop.
    case merchant
    /// The delivery platform.
    case platform
    /// The campus operator.
    case campus
}

/// How an order was handed over.
public enum HandoverKind: String, CaseIterable, Hashable, Sendable {
    /// At the customer's door.
    case door
    /// Left at a gate.
    case gate
    /// Put into a locker.
    case locker
    /// Fetched at a counter.
    case counter
}

/// What a rider or a merchant reports to have gone wrong.
public enum OrderExceptionKind: String, CaseIterable, Hashable, Sendable {
    /// Something ordered is not to be had.
    case outOfStock = "out_of_stock"
    /// The shop is closed.
    case shopClosed = "shop_closed"
    /// The gate is closed.
    case gateClosed = "gate_closed"
    /// The customer cannot be reached.
    case unreachable
    /// The rider had an accident.
    case accident
    /// The food was spilled.
    case spilled
}

/// Why money that was paid is due back.
public enum RefundDueCause: String, CaseIterable, Hashable, Sendable {
    /// The order was cancelled after it was paid.
    case cancelled
    /// More was paid than was due.
    case excess
    /// It was paid twice.
    case duplicate
    /// It was paid after the order was cancelled.
    case late
}
