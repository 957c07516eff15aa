import Model

/// An event to append.
public struct NewEvent: Sendable {
    /// What happened.
    public let type: EventType
    /// Where.
    public let campus: CampusID
    /// What it happened to: an order, a case, a refund.
    public let subject: AnyID
    /// The subject's version after it; the next one each time.
    public let version: Int64
    /// What it belongs to, mostly the order: everything of one root is consumed in order.
    public let root: AnyID
    /// Who did it.
    public let actor: Actor
    /// When it happened, in campus time.
    public let at: Timestamp
    /// The `traceparent` of the request that caused it.
    public let trace: String?
    /// What consumers need to know of it.
    public let payload: JSON

    /// Describes an event.
    public init(
        type: EventType,
        campus: CampusID,
        subject: AnyID,
        version: Int64,
        root: AnyID,
        actor: Actor,
        at: Timestamp,
        trace: String? = nil,
        payload: JSON
    ) {
        self.type = type
        self.campus = campus
        self.subject = subject
        self.version = version
        self.root = root
        self.actor = actor
        self.at = at
        self.trace = trace
        self.payload = payload
    }
}
