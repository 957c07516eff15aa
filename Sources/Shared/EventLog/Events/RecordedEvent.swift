import Model
import Postgres

/// An event as the log holds it.
public struct RecordedEvent: Hashable, Sendable {
    /// Its number: unique over all streams, rising for one root, with gaps.
    public let id: Int64
    /// The stream it is in.
    public let stream: EventStream
    /// What happened; a text, because a newer version of a service may write types that this one does not know.
    public let type: String
    /// Where.
    public let campus: CampusID
    /// What it happened to.
    public let subject: AnyID
    /// The subject's version after it.
    public let version: Int64
    /// What it belongs to.
    public let root: AnyID
    /// Who did it, in text form; ``Model/Actor/init(_:)`` reads it.
    public let actor: String
    /// When it happened, in campus time.
    public let occurredAt: Timestamp
    /// When it was appended, by the server's clock.
    public let recordedAt: Timestamp
    /// The `traceparent` of the request that caused it.
    public let trace: String?
    /// What consumers need to know of it, as the log holds it: a JSON text.
    public let payloadText: String

    /// What consumers need to know of it; parsed each time.
    ///
    /// A payload that does not parse, for example because it is nested too deeply, is a fault of that event alone: who reads it here,
    /// in its handler, has the event parked like any other that cannot be handled.
    public var payload: JSON {
        get throws(JSONSyntaxError) { try JSON(parsing: payloadText) }
    }

    /// Describes an event; tests make these.
    public init(
        id: Int64,
        stream: EventStream,
        type: String,
        campus: CampusID,
        subject: AnyID,
        version: Int64,
        root: AnyID,
        actor: String,
        occurredAt: Timestamp,
        recordedAt: Timestamp,
        trace: String?,
        payload: JSON
    ) {
        self.id = id
        self.stream = stream
        self.type = type
        self.campus = campus
        self.subject = subject
        self.version = version
        self.root = root
        self.actor = actor
        self.occurredAt = occurredAt
        self.recordedAt = recordedAt
        self.trace = trace
        payloadText = payload.text
    }
}

extension RecordedEvent {
    /// The columns in the order that ``init(_:)`` reads them; by number, because names cost a search for each value.
    static let columns: SQL = """
        e.id, e.type, e.campus_id, e.subject_id, e.subject_version, e.root_id, e.actor, e.occurred_at, e.recorded_at, \
        e.trace, e.payload::text
        """

    /// Reads a row of `stream, ` and ``columns``.
    init(_ row: Row) throws {
        let name: String = try row[0]
        guard let stream = EventStream(rawValue: name) else { throw EventLogError.unknownStream(name) }
        self.stream = stream
        id = try row[1]
        type = try row[2]
        campus = try row[3]
        subject = try row[4]
        version = try row[5]
        root = try row[6]
        actor = try row[7]
        occurredAt = try row[8]
        recordedAt = try row[9]
        trace = try row[10]
        payloadText = try row[11]
    }
}
