import Model
import ServiceKit

/// What a decision by rule is held against before money is promised: how much rules alone may pay out.
struct BrakeCharge: Hashable, Sendable {
    /// How much is to go out.
    let amount: Money
    /// Each count that it is added to, in the order in which their rows are locked.
    let counts: [Count]

    /// One count with its cap.
    struct Count: Hashable, Sendable {
        /// What is counted.
        let scope: Scope
        /// Whose count it is.
        let subject: String
        /// When the count began; it starts anew with each window.
        let windowStart: Timestamp
        /// The most that rules may pay out within the window.
        let cap: Money
    }

    /// What is counted.
    enum Scope: String, CaseIterable, Hashable, Sendable {
        /// All of a campus, in ten minutes.
        case campus
        /// One merchant's orders, in a day of the campus.
        case merchant
        /// One customer, in a day of the campus.
        case customer
    }

    /// The charge for refunding `amount` of that order by rule at that time.
    init(_ amount: Money, of order: OrderRecord, campus: Campus, at now: Timestamp) {
        self.amount = amount
        let tenMinutes = Timestamp(seconds: now.seconds / 600 * 600)
        let day = campus.start(of: campus.localDay(at: now))
        let settings = campus.settings
        counts = [
            Count(scope: .campus, subject: "", windowStart: tenMinutes, cap: settings.brakeCampusTenMinutes),
            Count(scope: .customer, subject: order.customerID, windowStart: day, cap: settings.brakeCustomerDay),
            Count(scope: .merchant, subject: order.merchantID, windowStart: day, cap: settings.brakeMerchantDay),
        ]
    }

    /// The name under which decisions record that the brake was asked.
    static let ruleName = "within_refund_caps"

    /// What the decision stores of it.
    var json: JSON {
        var object: JSONObject = ["amount_fen": .integer(amount.fen)]
        for count in counts {
            object["\(count.scope.rawValue)_cap_fen"] = .integer(count.cap.fen)
            object["\(count.scope.rawValue)_window_start"] = .string(count.windowStart.rfc3339)
        }
        return .object(object)
    }
}

extension Judgement {
    /// The judgement with what is known of the brake: nothing changes while it lets go, a person decides when it holds.
    func braked(by charge: BrakeCharge, _ state: BrakeState) -> Judgement {
        var judgement = self
        let finding: Finding
        switch state {
        case .untried:
            finding = .passes(charge.json)
        case .holds:
            finding = .refers(charge.json, .automaticRefundsPaused)
            judgement.verdict = .inReview
            judgement.reasons = [.automaticRefundsPaused, .aPersonLooks(by: inputs.reviewDue)]
        }
        judgement.rules.append(TriedRule(name: BrakeCharge.ruleName, stage: .strategy, finding: finding))
        return judgement
    }
}
