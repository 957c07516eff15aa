import EventLog
import Model
import Postgres

/// What the refund worker is to do; the only place from which money moves.
enum RefundTask: Hashable, Sendable {
    /// Hand the refund to its channel, once: `version` is the refund's version that asks for it.
    case submit(RefundID, of: OrderID, version: Int64)
    /// Ask the channel what became of it: `version` is the refund's version that waits for the answer, `number` counts
    /// the questions about it from 1.
    case ask(RefundID, of: OrderID, version: Int64, number: Int64)

    /// The queue of all of them.
    static let queue = "refund"

    /// The task as it is stored.
    ///
    /// Tasks of one refund run one after the other, and a dead one keeps the later ones waiting for a person.
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

    /// The same version never asks for the same twice, whatever happened to the refund in between.
    private var dedupeKey: String {
        switch self {
        case .submit(let id, _, let version): "submit:\(id):\(version)"
        case .ask(let id, _, let version, let number): "ask:\(id):\(version):\(number)"
        }
    }

    private var json: JSON {
        switch self {
        case .submit(let id, let order, let version):
            [
                "step": "submit", "refund_id": .string(id.description), "order_id": .string(order.description),
                "version": .integer(version),
            ]
        case .ask(let id, let order, let version, let number):
            [
                "step": "ask", "refund_id": .string(id.description), "order_id": .string(order.description),
                "version": .integer(version), "number": .integer(number),
            ]
        }
    }

    /// Reads what was stored; nil for anything else.
    init?(_ payload: JSON) {
        guard let id = payload["refund_id"]?.string.flatMap(RefundID.init),
            let order = payload["order_id"]?.string.flatMap(OrderID.init),
            let version = payload["version"]?.integer
        else { return nil }
        switch payload["step"]?.string {
        case "submit": self = .submit(id, of: order, version: version)
        case "ask":
            guard let number = payload["number"]?.integer, number > 0 else { return nil }
            self = .ask(id, of: order, version: version, number: number)
        default: return nil
        }
    }
}

extension RefundStatus {
    /// How long to wait before the channel is asked for the `number`th time about a refund that stands here; nil where
    /// nothing is to be learned by asking.
    ///
    /// Soon at first while it is being paid, because most channels confirm within seconds. Seldom when it could not be
    /// paid out, because then a person has to mend that at the channel.
    func pause(beforeQuestion number: Int64) -> Duration? {
        let seconds: [Double]
        switch self {
        case .processing: seconds = [0.4, 0.6, 1, 2, 5, 10, 20, 30, 60, 120, 300]
        case .abnormal: seconds = [300, 900, 1_800, 3_600, 7_200, 21_600]
        case .created, .submitting, .succeeded, .failed, .unknown, .closed: return nil
        }
        return .seconds(seconds[Int(min(number, Int64(seconds.count))) - 1])
    }
}

extension TaskStore {
    /// Lets what waits for a refund go on at once: a dead task, which holds up the others, gets its attempts again, and
    /// a pause ends.
    ///
    /// - Returns: whether anything was waiting.
    func resume(_ refund: Refund, in session: borrowing Session) throws -> Bool {
        let key = refund.id.description
        let dead = try dead(queue: RefundTask.queue, orderKey: key, in: session)
        for task in dead { try replay(id: task.id, in: session) }
        let wasPaused = try hasten(
            queue: RefundTask.queue,
            destination: refund.payment.channel.rawValue,
            orderKey: key,
            in: session
        )
        return wasPaused || !dead.isEmpty
    }
}
