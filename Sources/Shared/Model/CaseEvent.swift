/// What every event about a case says of it, as it stands after the event.
public struct CaseFacts: Hashable, Sendable {
    /// The case.
    public var caseID: CaseID
    /// The order it is about.
    public var orderID: OrderID
    /// The platform's own number of that order.
    public var externalID: String?
    /// What is asked for.
    public var kind: CaseKind
    /// Why.
    public var reason: CaseReason
    /// Where it stands.
    public var status: CaseStatus
    /// Counts the case's changes, from 1.
    public var version: Int64
    /// Who ordered, by the platform's id.
    public var customerID: String
    /// The shop, by the platform's id.
    public var merchantID: String
    /// Who carried it, by the platform's id.
    public var riderID: String?
    /// What was asked for.
    public var requested: Money
    /// What was approved, once decided.
    public var approved: Money?
    /// Whether these services opened it, because money was due back.
    public var isSystem: Bool
    /// Whether its campus is a test campus.
    public var isTest: Bool

    /// These facts.
    public init(
        caseID: CaseID,
        orderID: OrderID,
        externalID: String?,
        kind: CaseKind,
        reason: CaseReason,
        status: CaseStatus,
        version: Int64,
        customerID: String,
        merchantID: String,
        riderID: String?,
        requested: Money,
        approved: Money?,
        isSystem: Bool,
        isTest: Bool
    ) {
        self.caseID = caseID
        self.orderID = orderID
        self.externalID = externalID
        self.kind = kind
        self.reason = reason
        self.status = status
        self.version = version
        self.customerID = customerID
        self.merchantID = merchantID
        self.riderID = riderID
        self.requested = requested
        self.approved = approved
        self.isSystem = isSystem
        self.isTest = isTest
    }
}

/// What happened to a case.
public enum CaseChange: Hashable, Sendable {
    /// It was opened.
    case opened
    /// The customer is asked for evidence.
    case evidenceRequested
    /// The merchant is asked.
    case merchantAsked
    /// A person looks at it.
    case reviewStarted
    /// It was decided, with reasons for the customer.
    case decided(verdict: Verdict, reasons: [LocalizedText])
    /// The customer was made an offer.
    case offerMade
    /// The customer appealed.
    case appealed
    /// The customer took it back.
    case withdrawn
    /// What was approved is done; the coupons, by the platform's ids, go back with it.
    case resolved(returnedCoupons: [String])
    /// It is closed.
    case closed
    /// Somebody commented.
    case commented
}

/// An event about a case.
public struct CaseEvent: EventPayload {
    /// The case as it stands now.
    public var facts: CaseFacts
    /// What happened.
    public var change: CaseChange

    /// That change of that case.
    public init(facts: CaseFacts, change: CaseChange) {
        self.facts = facts
        self.change = change
    }

    /// The type that the change tells.
    public var type: EventType {
        switch change {
        case .opened: .caseOpened
        case .evidenceRequested: .caseEvidenceRequested
        case .merchantAsked: .caseMerchantAsked
        case .reviewStarted: .caseReviewStarted
        case .decided: .caseDecided
        case .offerMade: .caseOfferMade
        case .appealed: .caseAppealed
        case .withdrawn: .caseWithdrawn
        case .resolved: .caseResolved
        case .closed: .caseClosed
        case .commented: .caseCommented
        }
    }
}

extension CaseEvent {
    /// The facts and the change as one flat object.
    public var json: JSON {
        var object: JSONObject = [
            "case_id": .string(facts.caseID.description),
            "order_id": .string(facts.orderID.description),
            "external_id": .optional(facts.externalID),
            "kind": .string(facts.kind.rawValue),
            "reason": .string(facts.reason.rawValue),
            "status": .string(facts.status.rawValue),
            "version": .integer(facts.version),
            "customer_id": .string(facts.customerID),
            "merchant_id": .string(facts.merchantID),
            "rider_id": .optional(facts.riderID),
            "requested_fen": .integer(facts.requested.fen),
            "approved_fen": .optional(facts.approved?.fen),
            "system": .bool(facts.isSystem),
            "test": .bool(facts.isTest),
        ]
        if case .decided(let verdict, let reasons) = change {
            object["verdict"] = .string(verdict.rawValue)
            object["reasons"] = .array(reasons.map(\.json))
        }
        if case .resolved(let coupons) = change { object["returned_coupons"] = .array(coupons.map(JSON.string)) }
        return .object(object)
    }

    /// Reads what ``json`` writes, for an event of that type.
    public init(type: EventType, json: JSON) throws(PayloadMismatch) {
        facts = try CaseFacts(json: json)
        change = try CaseChange(type: type, json: json)
    }
}

extension CaseFacts {
    fileprivate init(json: JSON) throws(PayloadMismatch) {
        self.init(
            caseID: try json.requiredID("case_id"),
            orderID: try json.requiredID("order_id"),
            externalID: json["external_id"]?.string,
            kind: try json.requiredEnum("kind"),
            reason: try json.requiredEnum("reason"),
            status: try json.requiredEnum("status"),
            version: try json.requiredInteger("version"),
            customerID: try json.requiredString("customer_id"),
            merchantID: try json.requiredString("merchant_id"),
            riderID: json["rider_id"]?.string,
            requested: try json.requiredMoney("requested_fen"),
            approved: json["approved_fen"]?.integer.map(Money.init(fen:)),
            isSystem: try json.requiredBool("system"),
            isTest: try json.requiredBool("test")
        )
    }
}

extension CaseChange {
    fileprivate init(type: EventType, json: JSON) throws(PayloadMismatch) {
        switch type {
        case .caseOpened: self = .opened
        case .caseEvidenceRequested: self = .evidenceRequested
        case .caseMerchantAsked: self = .merchantAsked
        case .caseReviewStarted: self = .reviewStarted
        case .caseDecided:
            var reasons: [LocalizedText] = []
            for reason in json["reasons"]?.array ?? [] { reasons.append(try LocalizedText(json: reason)) }
            self = .decided(verdict: try json.requiredEnum("verdict"), reasons: reasons)
        case .caseOfferMade: self = .offerMade
        case .caseAppealed: self = .appealed
        case .caseWithdrawn: self = .withdrawn
        case .caseResolved:
            self = .resolved(returnedCoupons: (json["returned_coupons"]?.array ?? []).compactMap(\.string))
        case .caseClosed: self = .closed
        case .caseCommented: self = .commented
        default: throw PayloadMismatch(field: "type")
        }
    }
}
