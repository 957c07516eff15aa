import Model

/// A part of an order that money can go back for.
enum RefundItem: Hashable, Sendable {
    /// A line of the order, by its number from 1.
    case line(Int)
    /// The delivery fee.
    case delivery
    /// The packaging fee.
    case packaging
    /// Money that was paid beyond what the order cost, or for an order already cancelled.
    case surplus
}

extension RefundItem: LosslessStringConvertible {
    /// The text form that tables and requests use: `line:3`, `delivery`, `packaging`, `surplus`.
    var description: String {
        switch self {
        case .line(let number): "line:\(number)"
        case .delivery: "delivery"
        case .packaging: "packaging"
        case .surplus: "surplus"
        }
    }

    init?(_ text: String) {
        switch text {
        case "delivery": self = .delivery
        case "packaging": self = .packaging
        case "surplus": self = .surplus
        default:
            guard text.hasPrefix("line:"), let number = Int(text.dropFirst(5)), number > 0,
                text == "line:\(number)"
            else { return nil }
            self = .line(number)
        }
    }
}

extension RefundItem: Comparable {
    /// Lines by number, then delivery, packaging and surplus: the order in which payments fill them.
    private var rank: (Int, Int) {
        switch self {
        case .line(let number): (0, number)
        case .delivery: (1, 0)
        case .packaging: (2, 0)
        case .surplus: (3, 0)
        }
    }

    static func < (left: RefundItem, right: RefundItem) -> Bool {
        left.rank < right.rank
    }
}
