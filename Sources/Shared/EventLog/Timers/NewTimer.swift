import Model

/// Something to happen at a time, unless it becomes moot before.
public struct NewTimer: Sendable {
    /// What is to happen; one timer of a kind for each subject.
    public let kind: String
    /// What it is about: an order, a case.
    public let subject: AnyID
    /// Whose clock it follows.
    public let campus: CampusID
    /// When, in campus time.
    public let dueAt: Timestamp
    /// What the handler needs to know.
    public let payload: JSON

    /// Describes a timer.
    public init(kind: String, subject: AnyID, campus: CampusID, dueAt: Timestamp, payload: JSON = .null) {
        self.kind = kind
        self.subject = subject
        self.campus = campus
        self.dueAt = dueAt
        self.payload = payload
    }
}

/// A timer whose time has come.
public struct DueTimer: Hashable, Sendable {
    /// What is to happen.
    public let kind: String
    /// What it is about.
    public let subject: AnyID
    /// Whose clock it follows.
    public let campus: CampusID
    /// When it was due, in campus time.
    public let dueAt: Timestamp
    /// What the handler needs to know.
    public let payload: JSON
    /// Which attempt at it this is, from 1.
    public let attempt: Int

    /// Describes a due timer; the service makes these, and tests.
    public init(kind: String, subject: AnyID, campus: CampusID, dueAt: Timestamp, payload: JSON, attempt: Int) {
        self.kind = kind
        self.subject = subject
        self.campus = campus
        self.dueAt = dueAt
        self.payload = payload
        self.attempt = attempt
    }
}
