import EventLog
import Model
import Postgres

extension InboxStore {
    /// One line to be filed.
    private struct Line {
        let recipient: Recipient
        /// Which of the notices, from 0.
        let notice: Int
    }

    /// Files what events have to say, one line for each recipient of each event.
    ///
    /// An event that a recipient has already been told of is passed over. Call it last in the transaction: it locks counters, in key order,
    /// until the transaction ends, so that numbers become visible in their order.
    ///
    /// - Returns: the newest number of each recipient who got a line.
    func file(_ notices: [(event: RecordedEvent, notice: Notice)], in session: borrowing Session) throws -> [InboxPlace]
    {
        var lines = notices.indices.flatMap { index in
            notices[index].notice.recipients.map { Line(recipient: $0, notice: index) }
        }
        guard !lines.isEmpty else { return [] }
        let filed = try alreadyFiled(lines, of: notices, in: session)
        if !filed.isEmpty { lines.removeAll { filed[$0.notice]?.contains($0.recipient) == true } }

        var counts: [Recipient: Int64] = [:]
        for line in lines { counts[line.recipient, default: 0] += 1 }
        let advanced = try count(counts, in: session)

        var next = Dictionary(
            uniqueKeysWithValues: advanced.map { ($0.recipient, $0.seq - (counts[$0.recipient] ?? 0)) }
        )
        let numbers = lines.map { line in
            next[line.recipient, default: 0] += 1
            return next[line.recipient, default: 0]
        }
        try insert(lines, numbers, of: notices, in: session)
        return advanced
    }

    /// For each notice, who has been told of its event; nobody, unless a restored database has its events read again.
    private func alreadyFiled(
        _ lines: [Line],
        of notices: [(event: RecordedEvent, notice: Notice)],
        in session: borrowing Session
    ) throws -> [Int: Set<Recipient>] {
        let found = try session.query(
            """
            select l.line
            from unnest(
                \(lines.map(\.recipient.campus)), \(lines.map { notices[$0.notice].event.id }),
                \(lines.map(\.recipient.kind.rawValue)), \(lines.map(\.recipient.id))
            ) with ordinality as l (campus_id, event_id, recipient_kind, recipient_id, line)
            where (
                select 1 from campus.inbox i
                where i.campus_id = l.campus_id and i.event_id = l.event_id and i.recipient_kind = l.recipient_kind
                    and i.recipient_id = l.recipient_id
                limit 1
            ) is not null
            """
        ) { row in Int(try row[0] as Int64) - 1 }
        return found.reduce(into: [:]) { filed, line in
            filed[lines[line].notice, default: []].insert(lines[line].recipient)
        }
    }

    /// Takes as many numbers as each recipient gets lines.
    private func count(_ counts: [Recipient: Int64], in session: borrowing Session) throws -> [InboxPlace] {
        guard !counts.isEmpty else { return [] }
        let recipients = Array(counts.keys)
        return try session.query(
            """
            insert into campus.inbox_counter as c (campus_id, recipient_kind, recipient_id, last_seq, unread)
            select campus_id, recipient_kind, recipient_id, lines, lines
            from unnest(
                \(recipients.map(\.campus)), \(recipients.map(\.kind.rawValue)), \(recipients.map(\.id)),
                \(recipients.map { counts[$0] ?? 0 })
            ) as r (campus_id, recipient_kind, recipient_id, lines)
            order by campus_id, recipient_kind, recipient_id
            on conflict (campus_id, recipient_kind, recipient_id) do update
                set last_seq = c.last_seq + excluded.last_seq, unread = c.unread + excluded.unread, version = c.version + 1
            returning c.campus_id, c.recipient_kind, c.recipient_id, c.last_seq
            """
        ) { row in
            InboxPlace(recipient: Recipient(campus: try row[0], kind: try row[1], id: try row[2]), seq: try row[3])
        }
    }

    private func insert(
        _ lines: [Line],
        _ numbers: [Int64],
        of notices: [(event: RecordedEvent, notice: Notice)],
        in session: borrowing Session
    ) throws {
        guard !lines.isEmpty else { return }
        // What an event says is sent once, however many are told.
        try session.execute(
            """
            insert into campus.inbox (campus_id, recipient_kind, recipient_id, seq, event_id, type, data, occurred_at)
            select l.campus_id, l.recipient_kind, l.recipient_id, l.seq, e.event_id, e.type, e.data, e.occurred_at
            from unnest(
                \(lines.map(\.recipient.campus)), \(lines.map(\.recipient.kind.rawValue)), \(lines.map(\.recipient.id)),
                \(numbers), \(lines.map { Int64($0.notice + 1) })
            ) as l (campus_id, recipient_kind, recipient_id, seq, notice)
            join unnest(
                \(notices.map(\.event.id)), \(notices.map(\.event.type)), \(notices.map(\.notice.data)),
                \(notices.map(\.event.occurredAt))
            ) with ordinality as e (event_id, type, data, occurred_at, notice) using (notice)
            """
        )
    }
}
