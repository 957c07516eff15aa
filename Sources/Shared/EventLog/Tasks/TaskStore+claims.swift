import Model
import Postgres

/// Where a task stands: its number and its lane.
struct LanePlace: Sendable {
    let id: Int64
    let queue: String
    let destination: String
    let lane: String
    /// Whether others may wait behind it.
    let isOrdered: Bool
}

/// Who claims tasks, and under which limits.
struct ClaimRequest: Sendable {
    let queue: String
    let worker: String
    /// How long a claimed task is left to the worker without renewal.
    let lease: Duration
    /// How many tasks at most.
    let limit: Int
    /// How many of one destination may be in this worker's hands.
    let limitPerDestination: Int
    /// How many are, where any are.
    let inHand: [String: Int]
    /// The destination at which the last claim ended; this one starts after it, so that all get their turn.
    let after: String
}

extension TaskStore {
    /// Claims ready tasks: walks over the destinations that have any and takes the first lanes of each.
    func claim(_ request: ClaimRequest, in session: borrowing Session) throws -> [LeasedTask] {
        // Statistics of a queue are always out of date; only walks along the indexes are wanted, whatever it holds.
        try session.execute(Self.planSettings)
        return try session.query(claimStatement(request)) { row in
            LeasedTask(
                id: try row[0],
                queue: request.queue,
                destination: try row[1],
                orderKey: try row[2],
                dedupeKey: try row[3],
                campus: try row[4],
                payload: try row[5],
                attempt: try row[6],
                maxAttempts: try row[7],
                firstEnqueuedAt: try row[8],
                trace: try row[9],
                claim: try row[10],
                lane: try row[11],
                holdsLaneWhenDead: try row[12]
            )
        }
    }

    static let planSettings: SQL = """
        select set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), \
        set_config('enable_bitmapscan', 'off', true), set_config('enable_hashjoin', 'off', true), \
        set_config('enable_mergejoin', 'off', true)
        """

    func claimStatement(_ request: ClaimRequest) -> SQL {
        let destinations = request.inHand.keys.sorted()
        return """
            with recursive place (destination) as (
                (
                    select l.destination from \(tables.lane) l
                    where l.queue = \(request.queue) and l.destination > \(request.after)
                    order by l.destination limit 1
                )
                union all
                select (
                    select l.destination from \(tables.lane) l
                    where l.queue = \(request.queue) and l.destination > p.destination
                    order by l.destination limit 1
                )
                from place p where p.destination is not null
            ), ready as materialized (
                select r.* from place p
                left join unnest(\(destinations), \(destinations.map { Int32(request.inHand[$0] ?? 0) })) as busy (destination, amount)
                    on busy.destination = p.destination
                cross join lateral (
                    select l.queue, l.destination, l.lane, l.head from \(tables.lane) l
                    where l.queue = \(request.queue) and l.destination = p.destination and l.ready_at <= now()
                    order by l.ready_at
                    limit greatest(0, \(request.limitPerDestination) - coalesce(busy.amount, 0))
                    for update skip locked
                ) r
                where p.destination is not null
                limit \(request.limit)
            ), leased as (
                update \(tables.lane) l set ready_at = now() + \(request.lease)
                from ready r where l.queue = r.queue and l.destination = r.destination and l.lane = r.lane
            )
            update \(tables.task) t
            set attempt = t.attempt + 1, claim = t.claim + 1, claimed_by = \(request.worker)
            from ready r where t.id = r.head
            returning t.id, t.destination, t.order_key, t.dedupe_key, t.campus_id, t.payload, t.attempt, t.max_attempts,
                t.enqueued_at, t.trace, t.claim, t.lane, t.holds_lane_when_dead
            """
    }

    /// Keeps tasks that are still being worked on; those claimed by another meanwhile are left alone.
    func renew(_ tasks: [LeasedTask], lease: Duration, in session: borrowing Session) throws {
        try session.execute(
            """
            update \(tables.lane) l set ready_at = now() + \(lease)
            from (
                select l.queue, l.destination, l.lane
                from unnest(\(tasks.map(\.id)), \(tasks.map(\.claim))) as held (id, claim)
                join \(tables.task) t on t.id = held.id and t.claim = held.claim
                join \(tables.lane) l on l.queue = t.queue and l.destination = t.destination and l.lane = t.lane
                    and l.head = t.id
                for update of l skip locked
            ) mine
            where l.queue = mine.queue and l.destination = mine.destination and l.lane = mine.lane
            """
        )
    }

    /// Removes a task that is done, and lets the next one of its lane run.
    ///
    /// - Throws: `EventLogError.claimLost` when another worker has claimed it since.
    func complete(_ task: LeasedTask, in session: borrowing Session) throws {
        let place = LanePlace(task)
        let counts = try session.pipeline(
            [lock(place), "delete from \(tables.task) where id = \(task.id) and claim = \(task.claim)"] + advance(place)
        )
        guard counts[1] == 1 else { throw EventLogError.claimLost }
    }

    /// Puts a task back for another attempt.
    ///
    /// - Throws: `EventLogError.claimLost` when another worker has claimed it since.
    func putBack(_ task: LeasedTask, after delay: Duration, reason: String, in session: borrowing Session) throws {
        let counts = try session.pipeline([
            lock(LanePlace(task)),
            """
            update \(tables.task) set claimed_by = null, history = \(history(with: reason))
            where id = \(task.id) and claim = \(task.claim)
            """,
            ready(LanePlace(task), after: delay),
        ])
        guard counts[1] == 1 else { throw EventLogError.claimLost }
    }

    /// Puts a task back as though it had not been claimed, because the worker is shutting down.
    ///
    /// - Throws: `EventLogError.claimLost` when another worker has claimed it since.
    func giveBack(_ task: LeasedTask, in session: borrowing Session) throws {
        let counts = try session.pipeline([
            lock(LanePlace(task)),
            """
            update \(tables.task) set claimed_by = null, attempt = attempt - 1
            where id = \(task.id) and claim = \(task.claim)
            """,
            ready(LanePlace(task), after: .zero),
        ])
        guard counts[1] == 1 else { throw EventLogError.claimLost }
    }

    /// Moves a task to the dead ones; the next one of its lane runs, unless it holds the lane.
    ///
    /// - Throws: `EventLogError.claimLost` when another worker has claimed it since.
    func bury(_ task: LeasedTask, reason: String, in session: borrowing Session) throws {
        let place = LanePlace(task)
        let move: SQL = """
            with gone as (
                delete from \(tables.task) where id = \(task.id) and claim = \(task.claim)
                returning *, \(history(with: reason)) as full_history
            )
            insert into \(tables.taskDead) (
                id, queue, destination, order_key, dedupe_key, campus_id, payload, attempt, max_attempts,
                holds_lane_when_dead, claim, history, enqueued_at, trace, reason
            )
            select id, queue, destination, order_key, dedupe_key, campus_id, payload, attempt, max_attempts,
                holds_lane_when_dead, claim, full_history, enqueued_at, trace, \(reason)
            from gone
            """
        let after = task.holdsLaneWhenDead && place.isOrdered ? [hold(place)] : advance(place)
        let counts = try session.pipeline([lock(place), move] + after)
        guard counts[1] == 1 else { throw EventLogError.claimLost }
    }

    // MARK: Lanes

    func lock(_ place: LanePlace) -> SQL {
        "select from \(tables.lane) where \(isHead(place)) for update"
    }

    /// The statements after which a lane's next task is its head, or the lane is gone.
    func advance(_ place: LanePlace) -> [SQL] {
        let remove: SQL = "delete from \(tables.lane) where \(isHead(place))"
        guard place.isOrdered else { return [remove] }
        let next: SQL = """
            update \(tables.lane) set head = next.id, ready_at = next.run_at
            from (
                select id, run_at from \(tables.task)
                where queue = \(place.queue) and destination = \(place.destination) and lane = \(place.lane)
                    and order_key is not null
                order by id limit 1
            ) next
            where \(isHead(place))
            """
        return [next, remove]
    }

    private func hold(_ place: LanePlace) -> SQL {
        "update \(tables.lane) set ready_at = 'infinity' where \(isHead(place))"
    }

    private func ready(_ place: LanePlace, after delay: Duration) -> SQL {
        "update \(tables.lane) set ready_at = clock_timestamp() + \(delay) where \(isHead(place))"
    }

    private func isHead(_ place: LanePlace) -> SQL {
        """
        queue = \(place.queue) and destination = \(place.destination) and lane = \(place.lane) and head = \(place.id)
        """
    }

    /// The history with one more attempt; the last twenty are kept.
    private func history(with reason: String) -> SQL {
        """
        case when jsonb_array_length(history) >= 20 then history - 0 else history end || jsonb_build_array(
            jsonb_build_object('attempt', attempt, 'at', clock_timestamp(), 'reason', \(reason))
        )
        """
    }
}

extension LanePlace {
    init(_ task: LeasedTask) {
        self.init(
            id: task.id,
            queue: task.queue,
            destination: task.destination,
            lane: task.lane,
            isOrdered: task.orderKey != nil
        )
    }
}
