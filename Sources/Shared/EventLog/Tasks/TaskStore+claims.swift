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
    /// How many of one campus may be in them; nil is as many as there are.
    let limitPerCampus: Int?
    /// Those that are in them.
    let inHand: [LeasedTask]
    /// The destination at which the last claim ended; this one starts after it, so that all get their turn.
    let after: String
}

extension TaskStore {
    /// Claims ready tasks: of each destination that has any, those ready longest, as far as their campuses may have more.
    ///
    /// - Returns: the tasks, those of one destination side by side, in the order in which destinations had their turn.
    func claim(_ request: ClaimRequest, in session: borrowing Session) throws -> [LeasedTask] {
        try session.query(
            """
            select id, destination, order_key, dedupe_key, campus_id, payload, attempt, max_attempts, enqueued_at, trace, claim,
                lane, holds_lane_when_dead
            from \(tables.claimTasks)(
                \(request.queue), \(request.worker), \(request.lease), \(Int32(clamping: request.limit)),
                \(Int32(clamping: request.limitPerDestination)), \(request.limitPerCampus.map { Int32(clamping: $0) }),
                \(request.inHand.map(\.destination)), \(request.inHand.map(\.campus)), \(request.after)
            )
            """
        ) { row in
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

    /// Puts a task back as though it had not been claimed, because what kept it from being done has nothing to do with it.
    ///
    /// - Throws: `EventLogError.claimLost` when another worker has claimed it since.
    func giveBack(_ task: LeasedTask, after delay: Duration, in session: borrowing Session) throws {
        let counts = try session.pipeline([
            lock(LanePlace(task)),
            """
            update \(tables.task) set claimed_by = null, attempt = attempt - 1
            where id = \(task.id) and claim = \(task.claim)
            """,
            ready(LanePlace(task), after: delay),
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
            update \(tables.lane) set head = next.id, campus_id = next.campus_id, ready_at = next.run_at
            from (
                select id, campus_id, run_at from \(tables.task)
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
