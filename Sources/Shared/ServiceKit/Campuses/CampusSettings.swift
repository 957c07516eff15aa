import Model

/// What a campus may set for itself.
///
/// What it does not set has the default given here.
public struct CampusSettings: Hashable, Sendable {
    /// How long an order may stay unpaid.
    public var paymentDeadline: Duration = .seconds(15 * 60)
    /// How long a paid order may wait for the merchant to accept it.
    public var acceptanceDeadline: Duration = .seconds(5 * 60)
    /// How long after delivery an order completes by itself.
    public var autoComplete: Duration = .seconds(24 * 3_600)
    /// How long after `promised_at` an order counts as late.
    public var lateThreshold: Duration = .seconds(15 * 60)
    /// How long a merchant has to answer a case, in opening hours; this version asks no merchant.
    public var merchantResponse: Duration = .seconds(15 * 60)
    /// How soon the desk first looks at a case.
    public var firstReview: Duration = .seconds(10 * 60)
    /// How soon a case is decided.
    public var decision: Duration = .seconds(24 * 3_600)
    /// How long a customer has to bring evidence; this version asks for none.
    public var evidence: Duration = .seconds(48 * 3_600)
    /// How long an offer stands; this version makes none.
    public var offer: Duration = .seconds(24 * 3_600)
    /// How long after a decision the customer may appeal; this version has no appeals.
    public var appeal: Duration = .seconds(72 * 3_600)
    /// How long after delivery rules may decide a case; a later one goes to a person.
    public var claimWindow: Duration = .seconds(7 * 24 * 3_600)
    /// How long after registration a customer's account is new.
    public var newAccount: Duration = .seconds(7 * 24 * 3_600)
    /// From how much on a claim is large: a large one of a new account goes to a person.
    public var largeClaim = Money(fen: 10_000)
    /// How long the platform may take to say anything of a refund that it is asked to pay itself.
    public var refundAnswer: Duration = .seconds(15 * 60)
    /// How long it may then take to say more of one that it says is being paid.
    public var refundProgress: Duration = .seconds(3 * 24 * 3_600)
    /// The most that rules may refund on the campus within ten minutes; more goes to a person.
    public var brakeCampusTenMinutes = Money(fen: 200_000)
    /// The most that rules may refund at one merchant's orders within a day.
    public var brakeMerchantDay = Money(fen: 100_000)
    /// The most that rules may refund to one customer within a day.
    public var brakeCustomerDay = Money(fen: 20_000)
    /// When the campus is open.
    public var calendar = CampusCalendar()

    /// The defaults.
    public init() {}
}

extension CampusSettings {
    /// What settings may look like in `campus.settings`.
    public static let schema = JSONSchema.object(
        name: "CampusSettings",
        durations.map { .optional($0.name, .integer($0.range), $0.summary) }
            + amounts.map { .optional($0.name, .fen(0...1_000_000_000), $0.summary) }
            + [
                .optional(
                    "calendar",
                    CampusCalendar.schema,
                    "When the campus is open; our clocks stand still otherwise."
                )
            ]
    )

    /// Reads settings, all faults at once; what is missing has its default.
    public init(json: JSON) throws(Problem) {
        let faults = Self.schema.validate(json)
        guard faults.isEmpty else { throw .validation(faults) }
        self.init()
        for field in Self.durations {
            if let seconds = json[field.name]?.integer { self[keyPath: field.path] = .seconds(seconds) }
        }
        for field in Self.amounts {
            if let fen = json[field.name]?.integer { self[keyPath: field.path] = Money(fen: fen) }
        }
        if let calendar = json["calendar"] { self.calendar = try CampusCalendar(json: calendar) }
    }

    /// All settings, defaults included.
    public var json: JSON {
        var object: JSONObject = [:]
        for field in Self.durations { object[field.name] = .integer(self[keyPath: field.path].components.seconds) }
        for field in Self.amounts { object[field.name] = .integer(self[keyPath: field.path].fen) }
        object["calendar"] = calendar.json
        return .object(object)
    }

    private struct Field<Value> {
        let name: String
        let path: any WritableKeyPath<CampusSettings, Value> & Sendable
        let range: ClosedRange<Int64>
        let summary: String

        init(
            _ name: String,
            _ path: any WritableKeyPath<CampusSettings, Value> & Sendable,
            _ summary: String,
            _ range: ClosedRange<Int64> = 1...2_592_000
        ) {
            self.name = name
            self.path = path
            self.range = range
            self.summary = summary
        }
    }

    private static let durations: [Field<Duration>] = [
        Field("payment_deadline_s", \.paymentDeadline, "Seconds an order may stay unpaid."),
        Field("acceptance_deadline_s", \.acceptanceDeadline, "Seconds a paid order may wait for acceptance."),
        Field("auto_complete_s", \.autoComplete, "Seconds from delivery to completion."),
        Field("late_threshold_s", \.lateThreshold, "Seconds past `promised_at` that count as late.", 0...86_400),
        Field(
            "merchant_response_s",
            \.merchantResponse,
            "Seconds a merchant has to answer a case. Without effect in this version."
        ),
        Field("first_review_s", \.firstReview, "Seconds to the desk's first look."),
        Field("decision_s", \.decision, "Seconds to the decision."),
        Field("evidence_s", \.evidence, "Seconds a customer has to bring evidence. Without effect in this version."),
        Field("offer_s", \.offer, "Seconds an offer stands. Without effect in this version."),
        Field("appeal_s", \.appeal, "Seconds in which a decision can be appealed. Without effect in this version."),
        Field(
            "claim_window_s",
            \.claimWindow,
            "Seconds after delivery in which rules may decide a case; a later one goes to a person.",
            3_600...31_536_000
        ),
        Field(
            "new_account_s",
            \.newAccount,
            "Seconds after registration, in whole days, in which an account is new: large claims of new accounts go to a person.",
            0...31_536_000
        ),
        Field(
            "refund_answer_s",
            \.refundAnswer,
            "Seconds the platform has to answer a refund that it pays itself; then its outcome counts as unknown."
        ),
        Field("refund_progress_s", \.refundProgress, "Seconds it has to say more of one that it says is being paid."),
    ]

    private static let amounts: [Field<Money>] = [
        Field("large_claim_fen", \.largeClaim, "From how much on a claim of a new account goes to a person."),
        Field("brake_campus_10min_fen", \.brakeCampusTenMinutes, "The most rules refund on the campus in ten minutes."),
        Field("brake_merchant_day_fen", \.brakeMerchantDay, "The most rules refund at one merchant in a day."),
        Field("brake_customer_day_fen", \.brakeCustomerDay, "The most rules refund to one customer in a day."),
    ]
}
