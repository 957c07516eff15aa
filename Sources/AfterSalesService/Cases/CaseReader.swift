import Model
import Postgres
import ServiceKit

/// Reads what is shown of cases, for those who may see it.
struct CaseReader: Sendable {
    private let orders = OrderRecordStore()
    private let refundables = RefundableStore()
    private let cases = CaseStore()
    private let items = CaseItemStore()
    private let decisions = DecisionStore()
    private let refunds = RefundStore()
    private let timelines = TimelineStore()

    /// A case with all that is shown of it.
    func file(_ id: CaseID, for principal: Principal, in session: borrowing Session) throws -> CaseFile {
        let subject = try visible(id, to: principal, in: session)
        let campus = principal.campus
        return CaseFile(
            subject: subject,
            items: try items.items(of: id, campus: campus, in: session),
            decision: try decisions.decisions(of: id, campus: campus, in: session).last.map(DecisionSummary.init),
            refunds: try refunds.refunds(of: [subject.attachedTo ?? id], campus: campus, in: session)
        )
    }

    /// What happened to a case and to the refunds that answer it; what the platform said against that is for staff.
    func timeline(_ id: CaseID, for principal: Principal, in session: borrowing Session) throws -> [TimelineEntry] {
        _ = try visible(id, to: principal, in: session)
        return try timelines.timeline(of: id, campus: principal.campus, in: session).filter { entry in
            principal.isStaff || entry.type != TimelineEntry.contradiction
        }
    }

    /// How a case was decided.
    func decisions(_ id: CaseID, for principal: Principal, in session: borrowing Session) throws -> [DecisionRecord] {
        _ = try visible(id, to: principal, in: session)
        return try decisions.decisions(of: id, campus: principal.campus, in: session)
    }

    /// What can be asked for about an order.
    func options(
        of id: OrderID,
        _ call: Call,
        _ channels: RefundChannels,
        in session: borrowing Session
    ) throws -> AfterSalesOptions {
        let campus = call.principal.campus
        guard let order = try orders.find(id, campus: campus, in: session),
            call.principal.maySee(customer: order.customerID, merchant: nil)
        else { throw AfterSalesRefusal.notFound }
        return AfterSalesOptions(
            order: order,
            book: try refundables.book(of: order, campus: campus, in: session),
            claims: try items.claims(on: id, campus: campus, in: session),
            cases: try cases.cases(of: id, campus: campus, in: session),
            campus: call.campus,
            channels: channels,
            now: call.now
        )
    }

    private func visible(_ id: CaseID, to principal: Principal, in session: borrowing Session) throws -> AfterSalesCase
    {
        guard let subject = try cases.find(id, campus: principal.campus, in: session),
            principal.maySee(customer: subject.customerID, merchant: subject.merchantID)
        else { throw AfterSalesRefusal.notFound }
        return subject
    }
}

extension CaseFile {
    /// Changes with each change of the case and of the refunds that it shows, and never comes back.
    var etag: ETag {
        ETag(versions: [subject.version] + refunds.map(\.version))
    }
}
