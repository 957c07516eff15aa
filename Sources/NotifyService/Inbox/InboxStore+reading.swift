import Model
import Postgres

extension InboxStore {
    /// Marks one line as read; doing so again changes nothing.
    ///
    /// - Returns: whether there is such a line.
    func markRead(
        _ seq: Int64,
        of recipient: Recipient,
        at time: Timestamp,
        in session: borrowing Session
    ) throws -> Bool {
        guard let readThrough = try lockCounter(of: recipient, in: session)?.readThrough else { return false }
        let isThere = try session.first(
            """
            select 1 from campus.inbox
            where campus_id = \(recipient.campus) and recipient_kind = \(recipient.kind) and recipient_id = \(recipient.id)
                and seq = \(seq)
            """
        ) { _ in true }
        guard isThere == true else { return false }
        guard seq > readThrough else { return true }
        try session.execute(
            """
            with line as (
                update campus.inbox set read_at = \(time)
                where campus_id = \(recipient.campus) and recipient_kind = \(recipient.kind) and recipient_id = \(recipient.id)
                    and seq = \(seq) and read_at is null
                returning campus_id, recipient_kind, recipient_id
            )
            update campus.inbox_counter c set unread = c.unread - 1, version = c.version + 1
            from line
            where c.campus_id = line.campus_id and c.recipient_kind = line.recipient_kind and c.recipient_id = line.recipient_id
            """
        )
        return true
    }

    /// Marks everything up to number `seq` as read, or everything there is when nil; doing so again changes nothing.
    func markAllRead(upTo seq: Int64?, of recipient: Recipient, in session: borrowing Session) throws {
        guard let counter = try lockCounter(of: recipient, in: session) else { return }
        let through = min(seq ?? counter.lastSeq, counter.lastSeq)
        guard through > counter.readThrough else { return }
        try session.execute(
            """
            update campus.inbox_counter c
            set read_through = \(through), version = c.version + 1,
                unread = (
                    select count(*) from campus.inbox i
                    where i.campus_id = c.campus_id and i.recipient_kind = c.recipient_kind
                        and i.recipient_id = c.recipient_id and i.seq > \(through) and i.read_at is null
                )
            where c.campus_id = \(recipient.campus) and c.recipient_kind = \(recipient.kind) and c.recipient_id = \(recipient.id)
            """
        )
    }

    /// Removes lines filed before `time`, oldest first, at most `limit`, and takes those unread from the counts.
    ///
    /// - Returns: how many were removed.
    func prune(filedBefore time: Timestamp, limit: Int, in session: borrowing Session) throws -> Int {
        let due = try session.query(
            """
            select campus_id, recipient_kind, recipient_id, max(seq) as seq from (
                select campus_id, recipient_kind, recipient_id, seq from campus.inbox
                where created_at < \(time) limit \(rows: limit)
            ) due
            group by campus_id, recipient_kind, recipient_id
            """
        ) { row in
            InboxPlace(recipient: Recipient(campus: try row[0], kind: try row[1], id: try row[2]), seq: try row[3])
        }
        guard !due.isEmpty else { return 0 }
        return try session.one(
            """
            with due as (
                select * from unnest(
                    \(due.map(\.recipient.campus)), \(due.map(\.recipient.kind.rawValue)), \(due.map(\.recipient.id)),
                    \(due.map(\.seq))
                ) as d (campus_id, recipient_kind, recipient_id, seq)
            ), counter as materialized (
                select c.campus_id, c.recipient_kind, c.recipient_id, c.read_through
                from campus.inbox_counter c
                join due using (campus_id, recipient_kind, recipient_id)
                order by c.campus_id, c.recipient_kind, c.recipient_id
                for no key update of c
            ), removed as (
                delete from campus.inbox i using due d, counter c
                where i.campus_id = d.campus_id and i.recipient_kind = d.recipient_kind and i.recipient_id = d.recipient_id
                    and i.seq <= d.seq
                    and c.campus_id = d.campus_id and c.recipient_kind = d.recipient_kind and c.recipient_id = d.recipient_id
                returning i.campus_id, i.recipient_kind, i.recipient_id, i.read_at is null and i.seq > c.read_through as unread
            ), unread as (
                update campus.inbox_counter c set unread = c.unread - r.lines, version = c.version + 1
                from (
                    select campus_id, recipient_kind, recipient_id, count(*) as lines
                    from removed where unread group by campus_id, recipient_kind, recipient_id
                ) r
                where c.campus_id = r.campus_id and c.recipient_kind = r.recipient_kind and c.recipient_id = r.recipient_id
            )
            select count(*) as lines from removed
            """
        ) { row in Int(try row["lines"] as Int64) }
    }

    /// Removes all lines of these inboxes; what comes next goes on counting.
    func erase(_ recipients: [Recipient], in session: borrowing Session) throws {
        let whose: SQL = """
            unnest(
                \(recipients.map(\.campus)), \(recipients.map(\.kind.rawValue)), \(recipients.map(\.id))
            ) as r (campus_id, recipient_kind, recipient_id)
            """
        // Lines that are being filed are waited for, and only a statement that begins afterwards sees them.
        try session.pipeline([
            """
            select from campus.inbox_counter c join \(whose) using (campus_id, recipient_kind, recipient_id)
            order by c.campus_id, c.recipient_kind, c.recipient_id
            for no key update of c
            """,
            """
            with removed as (
                delete from campus.inbox i using \(whose)
                where i.campus_id = r.campus_id and i.recipient_kind = r.recipient_kind and i.recipient_id = r.recipient_id
            )
            update campus.inbox_counter c set unread = 0, version = c.version + 1
            from \(whose)
            where c.campus_id = r.campus_id and c.recipient_kind = r.recipient_kind and c.recipient_id = r.recipient_id
            """,
        ])
    }

    private func lockCounter(
        of recipient: Recipient,
        in session: borrowing Session
    ) throws -> (lastSeq: Int64, readThrough: Int64)? {
        try session.first(
            """
            select last_seq, read_through from campus.inbox_counter
            where campus_id = \(recipient.campus) and recipient_kind = \(recipient.kind) and recipient_id = \(recipient.id)
            for no key update
            """
        ) { row in (try row["last_seq"], try row["read_through"]) }
    }
}
