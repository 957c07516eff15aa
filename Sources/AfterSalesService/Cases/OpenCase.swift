import EventLog
import Model
import Postgres
import ServiceKit

/// Opens a case and decides it, in one transaction.
struct OpenCase: Sendable {
    /// The channels that refunds can travel through.
    let channels: RefundChannels

    private let orders = OrderRecordStore()
    private let refundables = RefundableStore()
    private let cases = CaseStore()
    private let items = CaseItemStore()
    private let refunds = RefundStore()
    private let systemCases = SystemCaseStore()
    private let conclude = ConcludeCase()

    /// Opens cases whose refunds travel through these channels.
    init(channels: RefundChannels) {
        self.channels = channels
    }

    /// What a customer, or somebody on their behalf, asks for.
    struct Request: Sendable {
        /// The order it is about.
        let orderID: OrderID
        /// What is asked for.
        let kind: CaseKind
        /// Why.
        let reason: CaseReason
        /// All of the order, or some of its lines.
        let scope: Scope
        /// The customer's words.
        let description: String?
        /// Where the customer asked.
        let source: String
    }

    /// Opens and decides.
    ///
    /// - Throws: ``AfterSalesRefusal`` when there is nothing to open; nothing is written then.
    func callAsFunction(
        _ request: Request,
        by principal: Principal,
        campus: Campus,
        brake: BrakeState,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> CaseFile {
        guard request.kind == .refund else { throw AfterSalesRefusal.kindNotOffered(request.kind) }
        try session.enqueue(refundables.locking([request.orderID]))
        guard let order = try orders.find(request.orderID, campus: campus.id, in: session),
            principal.maySee(customer: order.customerID, merchant: nil)
        else { throw AfterSalesRefusal.notFound }
        guard !principal.isStaffOnOwn(order.customerID) else { throw AfterSalesRefusal.ownCase }
        try check(order)

        let book = try refundables.book(of: order, campus: campus.id, in: session)
        if let answer = try answering(request, order, book, campus.id, in: session) {
            return try attach(request, to: answer, order, book, campus, cause, in: session)
        }
        let claims = try items.claims(on: order.id, campus: campus.id, in: session)
        let asked = try ask(request, Asking(order: order, book: book, claims: claims), campus.id, in: session)
        let new = AfterSalesCase(request, of: order, asked: asked, campus: campus, cause)
        let inputs = DecisionInputs(
            new,
            of: order,
            book: book,
            refusedBefore: claims.refused(among: asked.map(\.item)),
            channels: channels,
            campus: campus,
            at: cause.at
        )
        let matter = ConcludeCase.Matter(
            subject: new,
            isNew: true,
            items: asked.map { CaseItem(item: $0.item, units: $0.units, asked: $0.amount, state: .asked) },
            order: order,
            book: book
        )
        return try conclude.byRule(matter, inputs, campus: campus, brake: brake, cause, in: session)
    }

    private func check(_ order: OrderRecord) throws(AfterSalesRefusal) {
        guard order.source == .own else { throw .paidElsewhere(order.source) }
        guard order.status != .placed, !order.payments.isEmpty else { throw .orderNotPaid(order.status) }
    }

    /// The last of the service's own cases that give back all that this request could ask for, be it the order's own money
    /// or what the order has no use for; nil when there is something left to ask.
    private func answering(
        _ request: Request,
        _ order: OrderRecord,
        _ book: RefundableBook,
        _ campus: CampusID,
        in session: borrowing Session
    ) throws -> AfterSalesCase? {
        let asksForSurplus = order.asksForSurplus(request.reason)
        let isPromised =
            asksForSurplus
            ? order.surplus > .zero && book.remaining(.surplus) == .zero
            : order.status == .cancelled && order.paid > .zero && book.remaining() == .zero
        guard isPromised else { return nil }
        let dues = try systemCases.dues(of: order.id, campus: campus, in: session)
        return try cases.cases(of: order.id, campus: campus, in: session).last { other in
            dues[other.id]?.cause.isSurplus == asksForSurplus
                && (other.status == .executing || other.status == .resolved)
        }
    }

    private func attach(
        _ request: Request,
        to answer: AfterSalesCase,
        _ order: OrderRecord,
        _ book: RefundableBook,
        _ campus: Campus,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> CaseFile {
        let new = AfterSalesCase(request, of: order, asked: [], campus: campus, cause)
        let inputs = DecisionInputs(new, of: order, book: book, channels: channels, campus: campus, at: cause.at)
        let approved = answer.approved ?? answer.requested
        var file = try conclude.byAttaching(
            new,
            isNew: true,
            items: [],
            to: answer,
            approved: approved,
            inputs,
            openedBy: cause,
            in: session
        )
        file.refunds = try refunds.refunds(of: [answer.id], campus: campus.id, in: session)
        return file
    }

    private func ask(
        _ request: Request,
        _ asking: Asking,
        _ campus: CampusID,
        in session: borrowing Session
    ) throws -> [AskedItem] {
        let order = asking.order.id
        let asked: [AskedItem]
        do {
            asked = try asking.items(request.scope, reason: request.reason)
        } catch {
            // Units that an open case speaks for are better explained by naming that case.
            let isAboutUnits = error.all.allSatisfy(\.isAboutUnits)
            if isAboutUnits, let open = try openCase(about: order, campus, in: session) {
                throw AfterSalesRefusal.alreadyOpen(open)
            }
            throw AfterSalesRefusal.badAsk(error.all)
        }
        if let open = asked.compactMap({ asking.claims.asking[$0.item] }).first {
            throw AfterSalesRefusal.alreadyOpen(open)
        }
        let isPaidFor = asking.book.rows.contains { row in row.paid > .zero && asked.contains { $0.item == row.item } }
        let isSomethingLeft = !asked.isEmpty && (!isPaidFor || asked.contains { $0.amount > .zero })
        guard isSomethingLeft else {
            let asksForSurplus = asking.order.asksForSurplus(request.reason)
            let holder = asksForSurplus ? asking.claims.held[.surplus] : nil
            let open = try holder ?? openCase(about: order, campus, in: session)
            throw open.map(AfterSalesRefusal.alreadyOpen) ?? .nothingLeft
        }
        return asked
    }

    private func openCase(
        about order: OrderID,
        _ campus: CampusID,
        in session: borrowing Session
    ) throws -> CaseID? {
        try cases.cases(of: order, campus: campus, in: session).last(where: \.status.isUndecided)?.id
    }
}

extension AskRefusal {
    /// Whether the order has the line and only units are lacking.
    fileprivate var isAboutUnits: Bool {
        switch self {
        case .tooMany: true
        case .unknownLine, .repeatedLine: false
        }
    }
}

extension Principal {
    /// Whether the caller may see what belongs to that customer and, where given, that merchant.
    func maySee(customer: String, merchant: String?) -> Bool {
        switch actor.role {
        case .customer: actor.id == customer
        case .merchant: merchant != nil && merchantID == merchant
        case .agent, .supervisor, .admin, .platform, .system: true
        case .rider: false
        }
    }

    /// Whether the caller is staff, and the order is their own.
    func isStaffOnOwn(_ customer: String) -> Bool {
        switch actor.role {
        case .agent, .supervisor, .admin: actor.id == customer
        case .customer, .merchant, .rider, .platform, .system: false
        }
    }
}

extension AfterSalesCase {
    /// A new case, just opened.
    fileprivate init(
        _ request: OpenCase.Request,
        of order: OrderRecord,
        asked: [AskedItem],
        campus: Campus,
        _ cause: Cause
    ) {
        self.init(
            of: order,
            kind: request.kind,
            reason: request.reason,
            requested: Money(fen: asked.reduce(0) { $0 + $1.amount.fen }),
            asksWholeOrder: request.scope == .wholeOrder,
            description: request.description,
            source: request.source,
            isSystem: false,
            campus: campus,
            deadlines: CaseDeadlines(campus: campus, from: cause.at),
            cause
        )
    }

    /// A new case about that order, just opened by whoever is behind `cause`.
    init(
        of order: OrderRecord,
        kind: CaseKind,
        reason: CaseReason,
        requested: Money,
        asksWholeOrder: Bool,
        description: String?,
        source: String,
        isSystem: Bool,
        campus: Campus,
        deadlines: CaseDeadlines,
        _ cause: Cause
    ) {
        self.init(
            id: .make(at: cause.at),
            campus: campus.id,
            orderID: order.id,
            externalID: order.externalID,
            kind: kind,
            reason: reason,
            customerID: order.customerID,
            merchantID: order.merchantID,
            riderID: order.riderID,
            openedBy: cause.actor,
            isSystem: isSystem,
            isTest: campus.isTest,
            source: source,
            asksWholeOrder: asksWholeOrder,
            description: description,
            requested: requested,
            policyVersion: order.policyVersion,
            openedAt: cause.at,
            reviewDueAt: deadlines.reviewDueAt,
            decisionDueAt: deadlines.decisionDueAt,
            status: .opened,
            version: 1,
            updatedAt: cause.at,
            priorityAt: deadlines.reviewDueAt - reason.headStart
        )
    }
}
