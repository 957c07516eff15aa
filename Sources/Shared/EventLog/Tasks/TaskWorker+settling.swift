import Logging
import Model
import Postgres
import Synchronization

extension TaskWorker {
    /// How an attempt ended.
    enum AttemptEnd {
        case outcome(TaskOutcome)
        /// A shutdown cut it short.
        case cutShort
        /// The database was not there for it, which says nothing about the task.
        case hindered(any Error)
    }

    /// Writes down what became of an attempt.
    func settle(_ task: LeasedTask, _ end: AttemptEnd) async {
        do {
            switch end {
            case .outcome(let outcome):
                try await store(task, outcome)
                ticker?.hint()
            case .cutShort:
                try await pool.transaction { try self.store.giveBack(task, after: .zero, in: $0) }
                logger.report(.info, "task.given_back", "A shutdown cut an attempt short", describe(task))
            case .hindered(let error): await giveBack(task, hinderedBy: error)
            }
        } catch EventLogError.claimLost {
            logger.report(.warning, "task.fenced", "Another worker has the task by now", describe(task))
        } catch  where BatchFailure(error) == .passing {
            await giveBack(task, hinderedBy: error)
        } catch {
            // The effect was refused. The attempt counts; should this fail too, the lease runs out.
            logger.report(.error, "task.settling_failed", "A task could not be settled", describe(task), error: error)
            let delay = options.backoff.delay(after: task.attempt)
            try? await pool.transaction {
                try self.store.putBack(task, after: delay, reason: reason(for: error), in: $0)
            }
        }
    }

    private func store(_ task: LeasedTask, _ outcome: TaskOutcome) async throws {
        switch outcome {
        case .done(let effect):
            try await pool.transaction { session in
                try effect(session)
                try self.store.complete(task, in: session)
            }
            logger.report(.debug, "task.done", "A task is done", describe(task))
        case .retry(let after, let reason, let effect) where task.attempt < task.maxAttempts:
            let delay = after ?? options.backoff.delay(after: task.attempt)
            try await pool.transaction { session in
                try effect?(session)
                try self.store.putBack(task, after: delay, reason: reason, in: session)
            }
            logger.report(.info, "task.retried", "An attempt failed", describe(task, reason: reason))
        case .retry(_, let reason, let effect), .dead(let reason, let effect):
            try await pool.transaction { session in
                try effect?(session)
                try self.whenDead(session, task, reason)
                try self.store.bury(task, reason: reason, in: session)
            }
            logger.report(.error, "task.dead", "A task is not tried any more", describe(task, reason: reason))
        }
    }

    /// Puts a task back as though it had not been tried, as soon as the database is there for that.
    ///
    /// It gives up with the lease, or at a shutdown: the attempt counts then.
    private func giveBack(_ task: LeasedTask, hinderedBy error: any Error) async {
        logger.report(
            .warning,
            "task.hindered",
            "The database was not there for a task, it is tried again",
            describe(task),
            error: error
        )
        // Claims that were no attempts tell how often this task was given back before.
        let delay = Backoff(first: .milliseconds(500), longest: .seconds(30))
            .delay(after: Int(clamping: task.claim) - task.attempt + 1)
        let pause = Backoff(first: .milliseconds(50), longest: .seconds(1))
        let deadline = ContinuousClock.now + options.lease
        for failures in 1... {
            do {
                return try await pool.transaction { try self.store.giveBack(task, after: delay, in: $0) }
            } catch {
                guard BatchFailure(error) == .passing, !isStopping.load(ordering: .relaxed),
                    ContinuousClock.now < deadline
                else { return }
                try? await Task.sleep(for: pause.delay(after: failures))
            }
        }
    }

    private func describe(_ task: LeasedTask, reason: String? = nil) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "task_id": .number(task.id),
            "destination": .string(task.destination),
            "attempt": .number(task.attempt),
            "campus": .string(task.campus.description),
        ]
        if let reason { metadata["reason"] = .string(reason) }
        return metadata
    }
}
