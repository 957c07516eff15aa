import EventLog
import Model
import Postgres
import ServiceKit

extension InboxStore {
    /// One line to be filed.
    private struct Line {
        let recipient: Recipient
        /// Which of the notices, from 0.
        let notice: Int
    }

    private static let notifications = EventStore(stream: .notifications)
    private static let erasures = ErasureStore(owner: .notifications)

    /// Who appends to the stream that wakes other instances.
    private static let actor = Actor.system("notify")

    /// Files what events have to say, one line for each recipient of each event, and announces it to all instances.
    ///
    /// An event that a recipient has already been told of is passed over, and so is a recipient who has asked to be forgotten since it
    /// happened: the events are read some time after the request is. Call it last in the transaction: it locks counters, in key order,
    /// until the transaction ends, so that numbers become visible in their order.
    ///
    /// - Returns: the newest number of each recipient who got a line.
    func file(_ notices: [(event: RecordedEvent, notice: Notice)], in session: borrowing Session) throws -> [InboxPlace]
    {
        let lines = notices.indices.flatMap { index in
            notices[index].notice.recipients.map { Line(recipient: $0, notice: index) }
        }
        try session.enqueue([Self.erasures.holdingBack])
        do {
            return try session.savepoint { try insert(lines, of: notices, in: session) }
        } catch let error as PostgresError where error.isTellingTwice {
            // A restored database has its events read again: only then is it worth asking for each line.
            let filed = try alreadyFiled(lines, of: notices, in: session)
            let rest = lines.indices.filter { !filed.contains($0) }.map { lines[$0] }
            return try insert(rest, of: notices, in: session)
        }
    }

    /// Which of the lines stand in the inboxes already.
    private func alreadyFiled(
        _ lines: [Line],
        of notices: [(event: RecordedEvent, notice: Notice)],
        in session: borrowing Session
    ) throws -> Set<Int> {
        let found = try session.query(
            """
            select l.line
            from unnest(
                \(lines.map(\.recipient.campus)), \(lines.map { notices[$0.notice].event.id }),
                \(lines.map(\.recipient.kind.rawValue)), \(lines.map(\.recipient.id))
            ) with ordinality as l (campus_id, event_id, recipient_kind, recipient_id, line)
            join campus.inbox i using (campus_id, event_id, recipient_kind, recipient_id)
            """
        ) { row in Int(try row[0] as Int64) - 1 }
        return Set(found)
    }

    /// Takes as many numbers as each recipient gets lines, files the lines under them, and announces where the inboxes stand then.
    private func insert(
        _ lines: [Line],
        of notices: [(event: RecordedEvent, notice: Notice)],
        in session: borrowing Session
    ) throws -> [InboxPlace] {
        guard !lines.isEmpty, let newest = notices.last?.event else { return [] }
        let campuses = Array(Set(lines.map(\.recipient.campus)))
        let announcements = campuses.map { _ in AnyID.make(at: newest.recordedAt) }
        // What an event says is sent once, however many are told. Whoever was erased since it happened is not told any more.
        return try session.query(
            """
            with line as materialized (
                select l.campus_id, l.recipient_kind, l.recipient_id, e.event_id, e.type, e.data, e.occurred_at,
                    row_number() over (
                        partition by l.campus_id, l.recipient_kind, l.recipient_id order by l.position desc
                    ) - 1 as behind
                from unnest(
                    \(lines.map(\.recipient.campus)), \(lines.map(\.recipient.kind.rawValue)),
                    \(lines.map(\.recipient.id)), \(lines.map { Int64($0.notice + 1) })
                ) with ordinality as l (campus_id, recipient_kind, recipient_id, notice, position)
                join unnest(
                    \(notices.map(\.event.id)), \(notices.map(\.event.type)), \(notices.map(\.notice.data)),
                    \(notices.map(\.event.occurredAt))
                ) with ordinality as e (event_id, type, data, occurred_at, notice) using (notice)
                -- One probe of an index for each line; as an anti-join it would read all requests there ever were.
                where coalesce(
                    e.occurred_at > (
                        select max(x.requested_at) from campus.notifications_erasure x
                        where x.campus_id = l.campus_id and x.kind = l.recipient_kind and x.party_id = l.recipient_id
                    ),
                    true
                )
            ), counted as (
                insert into campus.inbox_counter as c (campus_id, recipient_kind, recipient_id, last_seq, unread)
                select campus_id, recipient_kind, recipient_id, count(*), count(*) from line
                group by campus_id, recipient_kind, recipient_id
                order by campus_id, recipient_kind, recipient_id
                on conflict (campus_id, recipient_kind, recipient_id) do update
                    set last_seq = c.last_seq + excluded.last_seq, unread = c.unread + excluded.unread, version = c.version + 1
                returning c.campus_id, c.recipient_kind, c.recipient_id, c.last_seq
            ), filed as (
                insert into campus.inbox (campus_id, recipient_kind, recipient_id, seq, event_id, type, data, occurred_at)
                select campus_id, recipient_kind, recipient_id, c.last_seq - l.behind, l.event_id, l.type, l.data, l.occurred_at
                from line l join counted c using (campus_id, recipient_kind, recipient_id)
            ), announced as (
                insert into \(Self.notifications.table) (\(EventStore.columns))
                select campus_id, \(EventType.inboxAdvanced.rawValue), a.id, 1, a.id, \(Self.actor.description),
                    \(newest.recordedAt), null, jsonb_build_object('places', p.places)
                from unnest(\(campuses), \(announcements)) as a (campus_id, id)
                join (
                    select campus_id, jsonb_agg(jsonb_build_array(recipient_kind, recipient_id, last_seq)) as places
                    from counted group by campus_id
                ) p using (campus_id)
            )
            select campus_id, recipient_kind, recipient_id, last_seq from counted
            """
        ) { row in
            InboxPlace(recipient: Recipient(campus: try row[0], kind: try row[1], id: try row[2]), seq: try row[3])
        }
    }
}

extension PostgresError {
    /// Whether a line was refused because its recipient has been told of the event.
    fileprivate var isTellingTwice: Bool {
        guard case .server(let error) = self else { return false }
        return error.sqlState == .uniqueViolation && error.constraint == "inbox_tells_once"
    }
}
