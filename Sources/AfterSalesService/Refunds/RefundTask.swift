import EventLog
import Model

/// What the refund worker is to do; the only place from which money moves.
enum RefundTask: Hashable, Sendable {
    /// Hand the refund to its channel, once: `version` is the refund's version that asks for it.
    case submit(RefundID, of: OrderID, version: Int64)
    /// Ask the channel what became of it; `number` counts the questions from 1.
    case ask(RefundID, of: OrderID, number: Int64)

    /// The queue of all of them.
    static let queue = "refund"

    /// The task as it is stored. Tasks of one refund run one after the other, and a dead one keeps the later ones
    func stored(for refund: Refund, runAt: Timestamp? = nil, trace: String?) -> NewTask {
        NewTask(
            queue: Self.queue,
            destination: refund.payment.channel.rawValue,
            orderKey: refund.id.description,
            dedupeKey: dedupeKey,
            campus: refund.campus,
            payload: json,
            runAt: runAt,
            maxAttempts: Self.maxAttempts,
            holdsLaneWhenDead: true,
            trace: trace
        )
    }

    /// A channel that is away for a week still gets its answer heard.
    private static let maxAttempts = 2_000

    /// How long to wait before question `number`: soon at first, because most channels confirm within seconds.
    static func delay(beforeQuestion number: Int64) -> Duration {
        let seconds: [Double] = [0.4, 0.6, 1, 2, 5, 10, 20, 30, 60, 120, 300]
        return .seconds(seconds[Int(min(number, Int64(seconds.count))) - 1])
    }

    private var dedupeKey: String {
        switch self {
        case .submit(let id, _, let version): "submit:\(id):\(version)"
        case .ask(let id, _, let number): "ask:\(id):\(number)"
        }
    }

    private var json: JSON {
        switch self {
        case .submit(let id, let order, let version):
            [
                "step": "submit", "refund_id": .string(id.description), "order_id": .string(order.description),
                "version": .integer(version),
            ]
        case .ask(let id, let order, let number):
            [
                "step": "ask", "refund_id": .string(id.description), "order_id": .string(order.description),
                "number": .integer(number),
            ]
        }
    }

    /// Reads what was stored; nil for anything else.
    init?(_ payload: JSON) {
        guard let id = payload["refund_id"]?.string.flatMap(RefundID.init),
            let order = payload["order_id"]?.string.flatMap(OrderID.init)
        else { return nil }
        switch payload["step"]?.string {
        case "submit":
            guard let version = payload["version"]?.integer else { return nil }
            self = .submit(id, of: order, version: version)
        case "ask":
            guard let number = payload["number"]?.integer, number > 0 else { return nil }
            self = .ask(id, of: order, number: number)
        default: return nil
        }
    }
}
