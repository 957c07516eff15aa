import Model
import ServiceKit

/// For whom an import is, who sends it, and when.
struct ImportContext: Sendable {
    var campus: Campus
    var actor: Actor
    /// The campus's time when it was sent.
    var now: Timestamp
}
