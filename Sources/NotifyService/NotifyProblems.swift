import ServiceKit

// What NotifyService answers beyond the edge.
extension ProblemKind {
    /// A position in an inbox from which nothing follows.
    static let positionGone = ProblemKind(
        "position-gone",
        status: 410,
        title: "The inbox cannot be read on from there",
        meaning: """
            `reason` says why: `epoch` (the database was restored or taken over since the position was given out), `ahead` (it lies \
            past the newest line) or `pruned` (what follows is no longer kept). Read the inbox without `after`, show that, and go on \
            from its `cursor`.
            """
    )
    /// Too many streams at once.
    static let tooManyStreams = ProblemKind(
        "too-many-streams",
        status: 429,
        title: "Too many streams are open",
        meaning:
            "Close a stream before opening another; `detail` names the limit. Several views of one person can share one stream."
    )
    /// Too many endpoints.
    static let tooManyEndpoints = ProblemKind(
        "too-many-endpoints",
        status: 409,
        title: "The campus has as many webhook endpoints as it can have",
        meaning: "Delete an endpoint, or let one take more event types."
    )
    /// Rotated too often.
    static let tooManySecrets = ProblemKind(
        "too-many-secrets",
        status: 409,
        title: "The endpoint has as many secrets as can sign at once",
        meaning: "Secrets that were replaced go on signing for 24 hours. Rotate again when some of them have ended."
    )

    /// Every kind that NotifyService answers with beyond those of the edge.
    static let notify: [ProblemKind] = [.positionGone, .tooManyStreams, .tooManyEndpoints, .tooManySecrets]
}
