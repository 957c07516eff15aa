import Logging
import Model
import Postgres

extension ConsumerGroup {
    /// Handles a batch event by event, each in a savepoint: what fails is parked, and so are the later events of its root.
    ///
    /// - Throws: what says nothing about an event.
    func isolate(_ reading: Reading, timeoutsArePoison: Bool) async throws -> BatchResult<Effect> {
        let result = try await pool.transaction { session in
            try self.batches.process(reading, in: session) { session, events, blocked in
                try self.handleEach(events, blocked: blocked, timeoutsArePoison: timeoutsArePoison, in: session)
            }
        }
        report(result.parked)
        return result
    }

    /// Tries parked events again that somebody asked for; false when there are none.
    func replay(_ state: ConsumerState) async throws -> Bool {
        let held = state.held
        let shards = held.map(\.shard)
        let isRequested = try await pool.autocommit { session in
            try self.batches.parked.isReplayRequested(consumer: self.name, shards: shards, in: session)
        }
        guard isRequested else { return false }
        let outcome = try await pool.transaction { session in
            // The cursors are locked so that no later event of these roots is handled or parked meanwhile.
            try self.batches.cursors.lock(held, in: session)
            let parked = self.batches.parked
            let events = try parked.requested(
                consumer: self.name,
                shards: shards,
                atMost: self.options.batchLimit,
                in: session
            )
            // What takes too long again is parked again: a replay must not keep new events waiting.
            let outcome = try self.handleEach(events, blocked: [], timeoutsArePoison: true, in: session)
            let failed = Set(outcome.parked.map(\.event.id))
            try parked.remove(events.filter { !failed.contains($0.id) }, consumer: self.name, in: session)
            try parked.park(outcome.parked, consumer: self.name, in: session)
            try parked.endReplay(of: outcome.parked, consumer: self.name, in: session)
            return outcome
        }
        report(outcome.parked)
        logger.report(
            .notice,
            "consumer.replayed",
            "Parked events were handled again",
            ["handled": .number(outcome.effects.count), "failed": .number(outcome.parked.count)]
        )
        for effect in outcome.effects { await afterCommit(effect) }
        return true
    }

    /// Handles a batch at once, but for the events of roots that have parked ones.
    func handleTogether(
        _ events: [RecordedEvent],
        blocked: Set<AnyID>,
        in session: borrowing Session
    ) throws -> (effects: [Effect], parked: [ParkedFailure]) {
        if blocked.isEmpty { return ([try handle(session, events)], []) }
        let free = events.filter { !blocked.contains($0.root) }
        let waiting = events.filter { blocked.contains($0.root) }
        return (free.isEmpty ? [] : [try handle(session, free)], waiting.map { ParkedFailure(waiting: $0) })
    }

    private func handleEach(
        _ events: [RecordedEvent],
        blocked: Set<AnyID>,
        timeoutsArePoison: Bool,
        in session: borrowing Session
    ) throws -> (effects: [Effect], parked: [ParkedFailure]) {
        var blocked = blocked
        var effects: [Effect] = []
        var parked: [ParkedFailure] = []
        for event in events {
            if blocked.contains(event.root) {
                parked.append(ParkedFailure(waiting: event))
                continue
            }
            do {
                effects.append(try session.savepoint { try handle(session, [event]) })
            } catch {
                switch BatchFailure(error) {
                case .poison: break
                case .timeout where timeoutsArePoison: break
                case .timeout, .passing, .leaseLost, .cancelled: throw error
                }
                blocked.insert(event.root)
                parked.append(ParkedFailure(event: event, reason: reason(for: error), isFirst: true))
            }
        }
        return (effects, parked)
    }

    private func report(_ parked: [ParkedFailure]) {
        for failure in parked where failure.isFirst {
            logger.report(
                .error,
                "consumer.parked",
                "An event cannot be handled; it is parked with the later ones of its root",
                [
                    "event_id": .number(failure.event.id),
                    "event_type": .string(failure.event.type),
                    "root_id": .string(failure.event.root.description),
                    "error": .string(failure.reason),
                ]
            )
        }
    }
}
