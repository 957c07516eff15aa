import Model
import Postgres

/// The timers of one service: armed, cancelled and consumed in its transactions.
///
/// In the order of locks a timer comes after what it is about. Who fires one has read it without lock: lock the subject first, then
/// consume the timer; when there is nothing to consume, it was moot.
public struct TimerStore: Sendable {
    private let tables: LogTables

    /// The store in the tables of one service, which alone may use it.
    public init(owner: EventStream) {
        tables = LogTables(owner)
    }

    /// Arms timers with one statement; one of the same kind and subject is replaced.
    public func arm(_ timers: [NewTimer], in session: borrowing Session) throws {
        if timers.isEmpty { return }
        try session.execute(
            """
            insert into \(tables.timer) (subject_id, kind, campus_id, due_at, payload)
            select distinct on (subject_id, kind) subject_id, kind, campus_id, due_at, payload
            from unnest(
                \(timers.map(\.subject)), \(timers.map(\.kind)), \(timers.map(\.campus)), \(timers.map(\.dueAt)),
                \(timers.map(\.payload))
            ) with ordinality as t (subject_id, kind, campus_id, due_at, payload, position)
            order by subject_id, kind, position desc
            on conflict (subject_id, kind) do update set
                campus_id = excluded.campus_id, due_at = excluded.due_at, payload = excluded.payload,
                attempt = 0, claimed_until = '-infinity'
            """
        )
    }

    /// Cancels the timer of a kind for each of these subjects.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func cancel(kind: String, subjects: [AnyID], in session: borrowing Session) throws -> Int {
        if subjects.isEmpty { return 0 }
        return try session.execute(
            """
            delete from \(tables.timer) where (subject_id, kind) in (
                select subject_id, kind from \(tables.timer)
                where subject_id = any (\(subjects)) and kind = \(kind)
                order by subject_id, kind for update
            )
            """
        )
    }

    /// Cancels the timer of a kind for a subject.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    public func cancel(kind: String, subject: AnyID, in session: borrowing Session) throws -> Bool {
        try cancel(kind: kind, subjects: [subject], in: session) > 0
    }

    /// Cancels all timers of these subjects.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func cancelAll(subjects: [AnyID], in session: borrowing Session) throws -> Int {
        if subjects.isEmpty { return 0 }
        return try session.execute(
            """
            delete from \(tables.timer) where (subject_id, kind) in (
                select subject_id, kind from \(tables.timer) where subject_id = any (\(subjects))
                order by subject_id, kind for update
            )
            """
        )
    }

    /// Cancels all timers of a subject.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func cancelAll(subject: AnyID, in session: borrowing Session) throws -> Int {
        try cancelAll(subjects: [subject], in: session)
    }

    /// Deletes a due timer, after its subject was locked.
    ///
    /// - Returns: false when it is moot: cancelled, fired by another, or armed anew for another time.
    public func consume(_ timer: DueTimer, in session: borrowing Session) throws -> Bool {
        try session.execute(
            """
            delete from \(tables.timer)
            where subject_id = \(timer.subject) and kind = \(timer.kind) and due_at = \(timer.dueAt)
            """
        ) > 0
    }

    // MARK: For the service that fires them

    /// Takes due timers for a while, so that others do not fire them too: campus by campus, the longest due first.
    ///
    /// Their rows are locked for this statement only, and it waits for no lock.
    func claimDue(atMost limit: Int, for lease: Duration, in session: borrowing Session) throws -> [DueTimer] {
        try session.execute(TaskStore.planSettings)
        return try session.query(dueStatement(atMost: limit, for: lease)) { row in
            DueTimer(
                kind: try row[0],
                subject: try row[1],
                campus: try row[2],
                dueAt: try row[3],
                payload: try row[4],
                attempt: try row[5]
            )
        }
    }

    func dueStatement(atMost limit: Int, for lease: Duration) -> SQL {
        """
        with recursive place (campus_id) as (
            (select t.campus_id from \(tables.timer) t order by t.campus_id limit 1)
            union all
            select (
                select t.campus_id from \(tables.timer) t where t.campus_id > p.campus_id order by t.campus_id limit 1
            )
            from place p where p.campus_id is not null
        ), due as materialized (
            select d.* from place p
            left join campus.campus_clock c on c.campus_id = p.campus_id
            cross join lateral (
                select t.subject_id, t.kind from \(tables.timer) t
                where t.campus_id = p.campus_id and t.due_at <= now() + coalesce(c.clock_offset, interval '0')
                    and t.claimed_until <= now()
                order by t.due_at limit \(limit)
                for update skip locked
            ) d
            where p.campus_id is not null
            limit \(limit)
        )
        update \(tables.timer) t set attempt = t.attempt + 1, claimed_until = now() + \(lease)
        from due d where t.subject_id = d.subject_id and t.kind = d.kind
        returning t.kind, t.subject_id, t.campus_id, t.due_at, t.payload, t.attempt
        """
    }

    /// Puts a timer off after a failure.
    func putOff(_ timer: DueTimer, for delay: Duration, in session: borrowing Session) throws {
        try session.execute(
            """
            update \(tables.timer) set claimed_until = clock_timestamp() + \(delay)
            where subject_id = \(timer.subject) and kind = \(timer.kind) and due_at = \(timer.dueAt)
            """
        )
    }
}
