import Model
import Postgres

/// Appends to one stream, in the transaction of what happened.
///
/// It never notifies: a NOTIFY holds a lock of the whole cluster through the commit. Tell the ``Ticker`` after the commit instead.
///
/// A set-based statement may insert events itself, in a CTE of its own:
/// ```swift
/// "insert into \(store.table) (\(EventStore.columns)) select … from …"
/// ```
/// The server fills in id, transaction and time, which the services may not choose.
public struct EventStore: Sendable {
    /// The stream that is appended to.
    public let stream: EventStream
    private let tables: LogTables

    /// The store of one stream; only the service that owns the stream may append.
    public init(stream: EventStream) {
        self.stream = stream
        self.tables = LogTables(stream)
    }

    /// The stream's table.
    public var table: SQL { tables.event }

    /// The columns that an insert gives, in this order: `uuid, text, uuid, bigint, uuid, text, timestamptz, text, jsonb`.
    public static let columns: SQL =
        "campus_id, type, subject_id, subject_version, root_id, actor, occurred_at, trace, payload"

    /// Appends events with one statement; their ids rise in the order given.
    public func append(_ events: [NewEvent], in session: borrowing Session) throws {
        if events.isEmpty { return }
        try session.execute(appendSQL(events))
    }

    /// The statement of ``append(_:in:)``, for a pipeline.
    public func appendSQL(_ events: [NewEvent]) -> SQL {
        """
        insert into \(table) (\(Self.columns))
        select campus, type, subject, version, root, actor, occurred_at, trace, payload
        from unnest(
            \(events.map(\.campus)), \(events.map(\.type.rawValue)), \(events.map(\.subject)), \(events.map(\.version)),
            \(events.map(\.root)), \(events.map(\.actor.description)), \(events.map(\.at)), \(events.map(\.trace)),
            \(events.map(\.payload))
        ) with ordinality as e (
            campus, type, subject, version, root, actor, occurred_at, trace, payload, position
        )
        order by position
        """
    }
}
