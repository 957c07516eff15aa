/// What both sides call a payment or a refund.
enum ReconciliationKey: Hashable, Sendable, Comparable {
    /// A payment, by the channel's number of it.
    case payment(String)
    /// A refund, by its one number.
    case refund(String)

    static func < (left: ReconciliationKey, right: ReconciliationKey) -> Bool {
        switch (left, right) {
        case (.payment(let left), .payment(let right)), (.refund(let left), .refund(let right)): left < right
        case (.payment, .refund): true
        case (.refund, .payment): false
        }
    }

    /// Its kind, as columns name it.
    var kind: ReconciliationRow.Kind {
        switch self {
        case .payment: .payment
        case .refund: .refund
        }
    }

    /// The number.
    var number: String {
        switch self {
        case .payment(let number), .refund(let number): number
        }
    }
}
