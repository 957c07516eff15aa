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
        try session.execute(armSQL(timers))
    }

    /// The statement of ``arm(_:in:)``, for a pipeline.
    public func armSQL(_ timers: [NewTimer]) -> SQL {
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
    }

    /// Cancels the timer of a kind for each of these subjects.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func cancel(kind: String, subjects: [AnyID], in session: borrowing Session) throws -> Int {
        if subjects.isEmpty { return 0 }
        return try session.execute(cancelSQL(kind: kind, subjects: subjects))
    }

    /// The statement of ``cancel(kind:subjects:in:)``, for a pipeline.
    public func cancelSQL(kind: String, subjects: [AnyID]) -> SQL {
        """
        delete from \(tables.timer) where (subject_id, kind) in (
            select subject_id, kind from \(tables.timer)
            where subject_id = any (\(subjects)) and kind = \(kind)
            order by subject_id, kind for update
        )
        """
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
        try !session.pipeline(consuming(timer)).isEmpty
    }

    /// The question of ``consume(_:in:)``, to be asked after its subject is locked; no row means moot.
    public func consuming(_ timer: DueTimer?) -> Query<String> {
        Query(
            timer.map { timer in
                """
                delete from \(tables.timer)
                where subject_id = \(timer.subject) and kind = \(timer.kind) and due_at = \(timer.dueAt)
                returning kind
                """
            }
        ) { try $0[0] }
    }

    /// The timers whose time has come and that have not fired, each campus by its own clock.
    public func overdue(in session: borrowing Session) throws -> OverdueTimers {
        try session.one(
            """
            with recursive place (campus_id) as (
                (select t.campus_id from \(tables.timer) t order by t.campus_id limit 1)
                union all
                select (
                    select t.campus_id from \(tables.timer) t where t.campus_id > p.campus_id order by t.campus_id limit 1
                )
                from place p where p.campus_id is not null
            )
            select coalesce(sum(d.timers), 0)::bigint, coalesce(max(d.longest), interval '0')
            from place p
            left join campus.campus_clock c on c.campus_id = p.campus_id
            cross join lateral (
                select count(*) as timers, now() + coalesce(c.clock_offset, interval '0') - min(t.due_at) as longest
                from \(tables.timer) t
                where t.campus_id = p.campus_id and t.due_at <= now() + coalesce(c.clock_offset, interval '0')
            ) d
            where p.campus_id is not null
            """
        ) { row in OverdueTimers(count: try row[0], longest: try row[1]) }
    }

    // MARK: For the service that fires them

    /// Takes due timers for a while, so that others do not fire them too: campus by campus, the longest due first.
    ///
    /// Their rows are locked for this statement only, and it waits for no lock.
    func claimDue(atMost limit: Int, for lease: Duration, in session: borrowing Session) throws -> [DueTimer] {
        try session.query(
            """
            select kind, subject_id, campus_id, due_at, payload, attempt
            from \(tables.claimTimers)(\(lease), \(Int32(clamping: limit)))
            """
        ) { row in
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

    /// Puts a timer off after a failure, which counts as an attempt unless it had nothing to do with the timer.
    func putOff(_ timer: DueTimer, for delay: Duration, isCounted: Bool, in session: borrowing Session) throws {
        try session.execute(
            """
            update \(tables.timer)
            set claimed_until = clock_timestamp() + \(delay), attempt = attempt - \(Int32(isCounted ? 0 : 1))
            where subject_id = \(timer.subject) and kind = \(timer.kind) and due_at = \(timer.dueAt)
            """
        )
    }
}
