/// A step that a line can tell the time of, beyond placing and paying.
enum PastStep: String, CaseIterable, Hashable, Sendable {
    case accepted
    case ready
    case pickedUp = "picked_up"
    case delivered
    case completed
    case cancelled

    /// The member with its time.
    var timeName: String { "\(rawValue)_at" }

    /// When that member belongs to a line.
    var meaning: String {
        switch self {
        case .accepted: "With `accepted` and later; with `cancelled` if it was."
        case .ready: "With `ready`; later and with `cancelled` if known."
        case .pickedUp: "With `picked_up` and later."
        case .delivered: "With `delivered` and `completed`."
        case .completed: "With `completed`."
        case .cancelled: "With `cancelled`."
        }
    }
}
