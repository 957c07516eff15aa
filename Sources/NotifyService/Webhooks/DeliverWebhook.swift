import EventLog
import Logging
import Model
import Postgres
import ServiceKit

/// Makes one attempt to deliver an event to an endpoint, and says what becomes of the delivery.
struct DeliverWebhook: Sendable {
    private let pool: ConnectionPool
    private let sender: WebhookSender
    private let vault: Vault
    private let clock: any WallClock
    private let timing: WebhookTiming
    private let logger: Logger
    private let endpoints = WebhookEndpointStore()
    private let deliveries = WebhookDeliveryStore()

    /// Delivers through `sender`.
    init(
        pool: ConnectionPool,
        sender: WebhookSender,
        vault: Vault,
        clock: any WallClock,
        timing: WebhookTiming = WebhookTiming(),
        logger: Logger
    ) {
        self.pool = pool
        self.sender = sender
        self.vault = vault
        self.clock = clock
        self.timing = timing
        self.logger = logger
    }

    /// Does a task of the queue ``WebhookDelivery/queue``.
    func callAsFunction(_ leased: LeasedTask) async throws -> TaskOutcome {
        guard let task = WebhookTask(leased) else { return .dead(reason: "the task cannot be read") }
        let now = clock.now()
        let load = try await pool.autocommit { try deliveries.load(task, at: now, in: $0) }
        guard let load else { return .dead(reason: "the delivery is gone") }
        // Another task was faster.
        if load.delivery.status == .delivered, !task.isRepeat { return .done { _ in } }
        guard let url = load.url else {
            // Nothing went wrong, and there is nothing left to do.
            return .done { session in try deliveries.abandon(task, at: now, in: session) }
        }
        return outcome(of: await attempt(load, task, to: url, at: now), leased, task, type: load.delivery.type)
    }

    private func attempt(
        _ load: WebhookDeliveryStore.Load,
        _ task: WebhookTask,
        to url: String,
        at now: Timestamp
    ) async -> WebhookAttempt {
        let secrets: [WebhookSecret]
        do {
            secrets = try load.secrets.map { try vault.open($0, for: task.endpoint, in: task.campus) }
        } catch {
            // Another instance may have the key that opens it: a failed attempt like any other, which the schedule makes again.
            logger.record(.webhookSecretUnreadable, [.endpointID: .id(task.endpoint)])
            return .unsent(at: now, error: "the endpoint's secret cannot be read")
        }
        return await sender.send(
            load.event.json.serialized(),
            id: task.event.text,
            trace: load.delivery.trace,
            to: url,
            secrets: secrets
        )
    }

    /// Ends the delivery of a task that died without an outcome of its own, for example because its worker was lost.
    func bury(_ leased: LeasedTask, in session: borrowing Session) throws {
        guard let task = WebhookTask(leased), !task.isExtra else { return }
        try deliveries.abandon(task, at: clock.now(), in: session)
    }

    private func outcome(
        of attempt: WebhookAttempt,
        _ leased: LeasedTask,
        _ task: WebhookTask,
        type: String
    ) -> TaskOutcome {
        let delay = RetrySchedule(for: type).delay(
            after: leased.attempt,
            retryAfter: attempt.retryAfter,
            random: Double.random(in: 0..<1)
        )
        switch attempt.outcome {
        case .delivered:
            log(.webhookDelivered, attempt, leased, task, type: type)
            return .done { session in
                try deliveries.record(attempt, of: task, status: .delivered, nextAttemptAt: nil, in: session)
            }
        case .gone:
            log(.webhookEndpointGone, attempt, leased, task, type: type)
            return .done { session in
                try endpoints.disableGone(task.endpoint, of: task.campus, at: attempt.attemptedAt, in: session)
                try deliveries.record(attempt, of: task, status: .dead, nextAttemptAt: nil, in: session)
            }
        case .refused, .failed, .timedOut:
            let reason = attempt.httpStatus.map { "status \($0)" } ?? attempt.error ?? attempt.outcome.rawValue
            if task.isExtra {
                log(.webhookFailed, attempt, leased, task, type: type)
                return .done { session in
                    try deliveries.record(attempt, of: task, status: nil, nextAttemptAt: nil, in: session)
                }
            }
            guard let delay, leased.attempt < leased.maxAttempts else {
                log(.webhookDead, attempt, leased, task, type: type)
                return .dead(reason: reason) { session in
                    try deliveries.record(attempt, of: task, status: .dead, nextAttemptAt: nil, in: session)
                }
            }
            let wait = delay / timing.haste
            log(.webhookFailed, attempt, leased, task, type: type, retryAfter: wait)
            let nextAttemptAt = clock.now() + wait
            return .retry(after: wait, reason: reason) { session in
                try deliveries.record(attempt, of: task, status: .pending, nextAttemptAt: nextAttemptAt, in: session)
            }
        }
    }

    private func log(
        _ event: LoggedEvent,
        _ attempt: WebhookAttempt,
        _ leased: LeasedTask,
        _ task: WebhookTask,
        type: String,
        retryAfter: Duration? = nil
    ) {
        var values: [LogKey: LogValue] = [
            .endpointID: .id(task.endpoint),
            .eventID: .string(task.event.text),
            .eventType: .string(type),
            .attempt: .integer(leased.attempt),
            .maximumAttempts: .integer(leased.maxAttempts),
            .reason: .string(task.reason.rawValue),
            .kind: .string(attempt.outcome.rawValue),
            .durationMilliseconds: .milliseconds(attempt.latency),
            .ageSeconds: .seconds(clock.now().duration(since: leased.firstEnqueuedAt)),
        ]
        if let status = attempt.httpStatus { values[.status] = .integer(status) }
        if let error = attempt.error { values[.error] = .string(error) }
        if let retryAfter { values[.retryInSeconds] = .seconds(retryAfter) }
        var logger = logger
        logger[.campus] = task.campus.description
        logger.record(event, values)
    }
}
