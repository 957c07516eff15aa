import EventLog
import Model
import Postgres

/// The inbox and its counters.
///
/// A counter's row is locked before anything that depends on it, and by fan-out last in its transaction, recipients in key order. Numbers
/// are therefore handed out in the order in which transactions commit, and whoever sees a number sees all before it.
struct InboxStore: Sendable {
    /// What the counter of `recipient` says now.
    func state(of recipient: Recipient, in session: borrowing Session) throws -> InboxState {
        try session.one(Self.state(of: recipient)) { row in try InboxState(row, from: 0) }
    }

    /// The lines that follow each place, at most `limit` for each, in the order of the places.
    func lines(after places: [InboxPlace], limit: Int, in session: borrowing Session) throws -> InboxLines {
        var epoch: Int64 = 0
        var items: [[InboxItem]] = Array(repeating: [], count: places.count)
        _ = try session.query(
            """
            select i.seq, i.event_id, i.type, i.data, i.occurred_at, i.is_read, p.place, \(Timeline.current)
            from unnest(
                    \(places.map(\.recipient.campus)), \(places.map(\.recipient.kind.rawValue)),
                    \(places.map(\.recipient.id)), \(places.map(\.seq))
                ) with ordinality as p (campus_id, recipient_kind, recipient_id, seq, place)
            cross join lateral (
                select b.seq, b.event_id, b.type, b.data, b.occurred_at, b.read_at is not null as is_read
                from campus.inbox b
                where b.campus_id = p.campus_id and b.recipient_kind = p.recipient_kind
                    and b.recipient_id = p.recipient_id and b.seq > p.seq
                order by b.seq limit \(rows: limit)
            ) i
            order by p.place, i.seq
            """
        ) { row in
            let place: Int64 = try row[6]
            epoch = try row[7]
            items[Int(place) - 1].append(try InboxItem(row))
        }
        return InboxLines(epoch: epoch, items: items)
    }

    /// Which lines of an inbox to read.
    enum Stretch: Sendable {
        /// Those after a number, oldest first.
        case after(Int64)
        /// Those before a number, newest first; nil begins at the newest.
        case before(Int64?)
    }

    /// Lines of one inbox and what its counter says, of the same moment: nothing is filed or pruned in between.
    func read(
        _ stretch: Stretch,
        of recipient: Recipient,
        limit: Int,
        in session: borrowing Session
    ) throws -> (state: InboxState, items: [InboxItem]) {
        let (condition, order): (SQL, SQL) =
            switch stretch {
            case .after(let seq): ("i.seq > \(seq)", "i.seq")
            case .before(let seq): ("i.seq < \(seq ?? .max)", "i.seq desc")
            }
        let rows = try session.query(
            """
            with state as (\(Self.state(of: recipient)))
            select i.seq, i.event_id, i.type, i.data, i.occurred_at, i.read_at is not null or i.seq <= s.read_through,
                s.epoch, s.last_seq, s.oldest, s.unread, s.version
            from state s
            left join lateral (
                select * from campus.inbox i
                where i.campus_id = \(recipient.campus) and i.recipient_kind = \(recipient.kind)
                    and i.recipient_id = \(recipient.id) and \(condition)
                order by \(order) limit \(rows: limit)
            ) i on true
            order by \(order)
            """
        ) { row in
            let seq: Int64? = try row[0]
            return (try InboxState(row, from: 6), seq == nil ? nil : try InboxItem(row))
        }
        guard let state = rows.first?.0 else { throw PostgresError.unexpectedRowCount(0) }
        return (state, rows.compactMap(\.1))
    }

    /// The statement that reads what the counter of `recipient` says now.
    private static func state(of recipient: Recipient) -> SQL {
        """
        select \(Timeline.current) as epoch, coalesce(c.last_seq, 0) as last_seq,
            (
                select i.seq from campus.inbox i
                where i.campus_id = \(recipient.campus) and i.recipient_kind = \(recipient.kind)
                    and i.recipient_id = \(recipient.id)
                order by i.seq limit 1
            ) as oldest,
            coalesce(c.unread, 0) as unread, coalesce(c.version, 0) as version,
            coalesce(c.read_through, 0) as read_through
        from (select) as nothing
        left join campus.inbox_counter c
            on c.campus_id = \(recipient.campus) and c.recipient_kind = \(recipient.kind) and c.recipient_id = \(recipient.id)
        """
    }
}

extension InboxState {
    /// Reads epoch, newest and oldest number, unread and version, in five columns from that number on.
    fileprivate init(_ row: Row, from column: Int) throws {
        self.init(
            position: InboxCursor(epoch: try row[column], seq: try row[column + 1]),
            oldest: try row[column + 2],
            unread: try row[column + 3],
            version: try row[column + 4]
        )
    }
}

extension InboxItem {
    /// Reads seq, event, type, data, time and whether it was read, in the first six columns.
    fileprivate init(_ row: Row) throws {
        self.init(
            seq: try row[0],
            eventID: try row[1],
            type: try row[2],
            data: try row[3],
            occurredAt: try row[4],
            isRead: try row[5]
        )
    }
}

extension RecipientKind: PostgresCodable {}
