import EventLog
import Model
import Postgres

/// The inbox and its counters.
///
/// A counter's row is locked before anything that depends on it, and by fan-out last in its transaction, recipients in key order. Numbers
/// are therefore handed out in the order in which transactions commit, and whoever sees a number sees all before it.
struct InboxStore: Sendable {
    /// The timeline that this Postgres writes: it changes when a standby takes over or a backup is restored to an earlier point.
    static let epoch: SQL =
        "(select ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint)"

    /// What the counter of `recipient` says now.
    func state(of recipient: Recipient, in session: borrowing Session) throws -> InboxState {
        try session.one(
            """
            select \(Self.epoch) as epoch, coalesce(c.last_seq, 0) as last_seq, coalesce(c.unread, 0) as unread,
                coalesce(c.version, 0) as version,
                (
                    select i.seq from campus.inbox i
                    where i.campus_id = \(recipient.campus) and i.recipient_kind = \(recipient.kind)
                        and i.recipient_id = \(recipient.id)
                    order by i.seq limit 1
                ) as oldest
            from (select) as nothing
            left join campus.inbox_counter c
                on c.campus_id = \(recipient.campus) and c.recipient_kind = \(recipient.kind) and c.recipient_id = \(recipient.id)
            """
        ) { row in
            InboxState(
                position: InboxCursor(epoch: try row["epoch"], seq: try row["last_seq"]),
                oldest: try row["oldest"],
                unread: try row["unread"],
                version: try row["version"]
            )
        }
    }

    /// The lines that follow each place, at most `limit` for each, in the order of the places.
    func lines(after places: [InboxPlace], limit: Int, in session: borrowing Session) throws -> InboxLines {
        var epoch: Int64 = 0
        var items: [[InboxItem]] = Array(repeating: [], count: places.count)
        _ = try session.query(
            """
            select p.place, \(Self.epoch) as epoch, i.seq, i.event_id, i.type, i.data, i.occurred_at, i.is_read
            from unnest(
                    \(places.map(\.recipient.campus)), \(places.map(\.recipient.kind.rawValue)),
                    \(places.map(\.recipient.id)), \(places.map(\.seq))
                ) with ordinality as p (campus_id, recipient_kind, recipient_id, seq, place)
            cross join lateral (
                select b.seq, b.event_id, b.type, b.data, b.occurred_at, b.read_at is not null as is_read
                from campus.inbox b
                where b.campus_id = p.campus_id and b.recipient_kind = p.recipient_kind
                    and b.recipient_id = p.recipient_id and b.seq > p.seq
                order by b.seq limit \(Int64(limit))
            ) i
            order by p.place, i.seq
            """
        ) { row in
            let place: Int64 = try row["place"]
            epoch = try row["epoch"]
            items[Int(place) - 1].append(try InboxItem(row))
        }
        return InboxLines(epoch: epoch, items: items)
    }

    /// The lines of one inbox after number `seq`, oldest first.
    func lines(
        of recipient: Recipient,
        after seq: Int64,
        limit: Int,
        in session: borrowing Session
    ) throws -> [InboxItem] {
        try session.query(
            """
            select i.seq, i.event_id, i.type, i.data, i.occurred_at,
                i.read_at is not null or i.seq <= c.read_through as is_read
            from campus.inbox i
            join campus.inbox_counter c using (campus_id, recipient_kind, recipient_id)
            where i.campus_id = \(recipient.campus) and i.recipient_kind = \(recipient.kind)
                and i.recipient_id = \(recipient.id) and i.seq > \(seq)
            order by i.seq limit \(Int64(limit))
            """,
            InboxItem.init
        )
    }

    /// The lines of one inbox before number `seq`, newest first.
    func lines(
        of recipient: Recipient,
        before seq: Int64,
        limit: Int,
        in session: borrowing Session
    ) throws -> [InboxItem] {
        try session.query(
            """
            select i.seq, i.event_id, i.type, i.data, i.occurred_at,
                i.read_at is not null or i.seq <= c.read_through as is_read
            from campus.inbox i
            join campus.inbox_counter c using (campus_id, recipient_kind, recipient_id)
            where i.campus_id = \(recipient.campus) and i.recipient_kind = \(recipient.kind)
                and i.recipient_id = \(recipient.id) and i.seq < \(seq)
            order by i.seq desc limit \(Int64(limit))
            """,
            InboxItem.init
        )
    }
}

extension InboxItem {
    fileprivate init(_ row: Row) throws {
        self.init(
            seq: try row["seq"],
            eventID: try row["event_id"],
            type: try row["type"],
            data: try row["data"],
            occurredAt: try row["occurred_at"],
            isRead: try row["is_read"]
        )
    }
}

extension RecipientKind: PostgresCodable {}
