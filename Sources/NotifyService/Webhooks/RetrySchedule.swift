import Model

/// How long to wait after each failed attempt to deliver an event; after the last the delivery is dead.
///
/// What an event is about decides how long it is worth sending: an order is eaten within the hour, money is owed for days.
struct RetrySchedule: Hashable, Sendable {
    /// The wait after the first, second, … failed attempt.
    let delays: [Duration]

    /// How many attempts are made in all.
    var attempts: Int { delays.count + 1 }

    /// How far a wait is moved at random, to either side, so that what failed together does not return together.
    static let jitter = 0.2

    /// The longest that a receiver can put off the next attempt by `Retry-After`.
    static let retryAfterLimit = Duration.seconds(3_600)

    /// Refunds and money due: 75 hours, the example schedule of Standard Webhooks.
    static let money = RetrySchedule(
        delays: [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map { .seconds($0) }
    )
    /// Cases: 27 hours.
    static let afterSales = RetrySchedule(delays: [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map { .seconds($0) })
    /// An order's progress: under two hours.
    static let orders = RetrySchedule(delays: [5, 30, 120, 600, 1_800, 3_600].map { .seconds($0) })
    /// A test is made once.
    static let once = RetrySchedule(delays: [])

    /// The schedule for events of that type; those that are not known here are kept as long as money.
    init(for type: String) {
        self =
            switch EventType(rawValue: type) {
            case .orderPlaced, .orderPaid, .orderAccepted, .orderRejected, .orderReady, .orderPickedUp, .orderDelivered,
                .orderCompleted, .orderCancelled, .orderExceptionReported, .orderAnomalyDetected:
                .orders
            case .caseOpened, .caseEvidenceRequested, .caseMerchantAsked, .caseReviewStarted, .caseDecided,
                .caseOfferMade,
                .caseAppealed, .caseWithdrawn, .caseResolved, .caseClosed, .caseCommented:
                .afterSales
            case .orderRefundDue, .refundCreated, .refundRequested, .refundProcessing, .refundSucceeded, .refundFailed,
                .refundAbnormal, .refundUnknown, .refundClosed, .compensationGranted, .partyErasureRequested,
                .inboxAdvanced, .clockAdvanced, .none:
                type == WebhookTest.type ? .once : .money
            }
    }

    init(delays: [Duration]) {
        self.delays = delays
    }

    /// How long to wait after failed attempt `attempt`, counted from 1; nil when it was the last.
    ///
    /// - `retryAfter`: what the receiver asked for; it can lengthen the wait up to ``retryAfterLimit``, never shorten
    ///   it.
    /// - `random`: a number in 0..<1.
    func delay(after attempt: Int, retryAfter: Duration?, random: Double) -> Duration? {
        guard attempt >= 1, attempt <= delays.count else { return nil }
        let jittered = delays[attempt - 1] * (1 - Self.jitter + 2 * Self.jitter * random)
        return max(jittered, min(retryAfter ?? .zero, Self.retryAfterLimit))
    }
}
