import EventLog
import Logging
import Model
import Postgres
import ServiceKit

/// Opens the service's own case for money that is due back, so that nobody has to ask for it.
///
/// One for each payment and cause of an order, for what no decision has promised yet. Customers' open cases that ask
/// for the same money are answered by it.
struct AnswerMoneyDue: Sendable {
    private let pool: ConnectionPool
    private let directory: CampusDirectory
    private let channels: RefundChannels
    private let logger: Logger
    private let orders = OrderRecordStore()
    private let refundables = RefundableStore()
    private let cases = CaseStore()
    private let items = CaseItemStore()
    private let systemCases = SystemCaseStore()
    private let conclude = ConcludeCase()

    /// Answers for the orders of that database.
    init(pool: ConnectionPool, directory: CampusDirectory, channels: RefundChannels, logger: Logger) {
        self.pool = pool
        self.directory = directory
        self.channels = channels
        self.logger = logger
    }

    /// What answering came to.
    private enum Answer {
        /// A case of the service's own, and the customers' cases that it answers too.
        case opened(CaseFile, attached: [AfterSalesCase])
        /// All of it was promised already.
        case promised
        /// It was answered before.
        case repeated
    }

    /// Does one task of ``MoneyDue/queue``.
    func perform(_ task: LeasedTask) async throws -> TaskOutcome {
        guard let due = MoneyDue(task.payload) else { return .dead(reason: "the task cannot be read") }
        guard let campus = try await directory.campus(task.campus) else {
            return .dead(reason: "there is no such campus")
        }
        let now = try await directory.now(in: campus)
        let cause = Cause(actor: .system("money_due"), at: now, trace: task.trace)
        let answer = try await BrakeState.trying { brake in
            try await pool.transaction { session in
                try self.answer(due, campus: campus, brake: brake, cause, in: session)
            }
        }
        log(answer, due, campus)
        return .settled
    }

    private func answer(
        _ due: MoneyDue,
        campus: Campus,
        brake: BrakeState,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> Answer {
        try refundables.lock([due.orderID], in: session)
        guard try !systemCases.isAnswered(due, campus: campus.id, in: session) else { return .repeated }
        guard let order = try orders.find(due.orderID, campus: campus.id, in: session) else { throw OrderMissing() }
        let book = try refundables.book(of: order, campus: campus.id, in: session)
        let claims = try items.claims(on: order.id, campus: campus.id, in: session)
        let asked = owed(due, Asking(order: order, book: book, claims: claims))
        guard !asked.isEmpty else {
            try systemCases.insert(due, answeredBy: nil, campus: campus.id, in: session)
            return .promised
        }
        let opened = try open(due, asking: asked, order, book, campus, brake, cause, in: session)
        try systemCases.insert(due, answeredBy: opened.subject.id, campus: campus.id, in: session)
        guard opened.subject.status == .executing else { return .opened(opened, attached: []) }
        let attached = try attachOpenCases(to: opened.subject, due, order, book, campus, cause, in: session)
        return .opened(opened, attached: attached)
    }

    /// What is owed of a payment and not promised yet, item by item, up to what is due; with an order that was called off,
    /// what cost nothing goes along.
    private func owed(_ due: MoneyDue, _ asking: Asking) -> [CaseItem] {
        var left = due.refund.amount.fen
        var owed: [CaseItem] = []
        for row in asking.book.rows
        where row.payment == due.refund.paymentID && (row.item == .surplus) == due.refund.cause.isSurplus {
            let amount = min(left, row.remaining.fen)
            guard amount > 0 else { continue }
            left -= amount
            owed.append(
                CaseItem(
                    item: row.item,
                    units: asking.unclaimedUnits(of: row.item),
                    asked: Money(fen: amount),
                    state: .held
                )
            )
        }
        guard !owed.isEmpty, due.refund.cause == .cancelled else { return owed }
        return owed + asking.costless.map { CaseItem(item: $0.item, units: $0.units, asked: .zero, state: .held) }
    }

    private func open(
        _ due: MoneyDue,
        asking asked: [CaseItem],
        _ order: OrderRecord,
        _ book: RefundableBook,
        _ campus: Campus,
        _ brake: BrakeState,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> CaseFile {
        let subject = AfterSalesCase(
            of: order,
            kind: .refund,
            reason: due.refund.cause.reason,
            requested: Money(fen: asked.reduce(0) { $0 + $1.asked.fen }),
            asksWholeOrder: due.refund.cause == .cancelled,
            description: nil,
            source: due.refund.cause.rawValue,
            isSystem: true,
            campus: campus,
            deadlines: CaseDeadlines(campus: campus, from: cause.at),
            cause
        )
        let inputs = DecisionInputs(
            subject,
            of: order,
            book: book,
            channels: channels,
            campus: campus,
            due: due.refund,
            at: cause.at
        )
        let matter = ConcludeCase.Matter(
            subject: subject,
            isNew: true,
            items: asked,
            order: order,
            book: book,
            payment: due.refund.paymentID
        )
        return try conclude.byRule(matter, inputs, campus: campus, brake: brake, cause, in: session)
    }

    /// Answers customers' undecided cases that ask for the money that is on its way now: the order's own or what it has
    /// no use for, whatever reason they give.
    private func attachOpenCases(
        to answer: AfterSalesCase,
        _ due: MoneyDue,
        _ order: OrderRecord,
        _ book: RefundableBook,
        _ campus: Campus,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> [AfterSalesCase] {
        var attached: [AfterSalesCase] = []
        for open in try cases.cases(of: order.id, campus: campus.id, in: session) {
            guard !open.isSystem, open.kind == .refund, open.status.isUndecided else { continue }
            let asked = try items.items(of: open.id, campus: campus.id, in: session)
            guard !asked.isEmpty, asked.allSatisfy({ ($0.item == .surplus) == due.refund.cause.isSurplus }),
                let locked = try cases.lock(open.id, campus: campus.id, in: session)
            else { continue }
            let inputs = DecisionInputs(
                locked,
                of: order,
                book: book,
                channels: channels,
                campus: campus,
                due: due.refund,
                at: cause.at
            )
            let file = try conclude.byAttaching(
                locked,
                isNew: false,
                items: asked,
                to: answer,
                approved: min(locked.requested, answer.requested),
                inputs,
                openedBy: cause,
                in: session
            )
            attached.append(file.subject)
        }
        return attached
    }

    private func log(_ answer: Answer, _ due: MoneyDue, _ campus: Campus) {
        var logger = logger
        logger[.campus] = campus.code
        switch answer {
        case .repeated: break
        case .promised:
            logger.record(
                .moneyDueAlreadyPromised,
                [
                    .orderID: .id(due.orderID), .paymentID: .id(due.refund.paymentID),
                    .cause: .string(due.refund.cause.rawValue),
                ]
            )
        case .opened(let file, let attached):
            var values = file.subject.logValues
            values[.cause] = .string(due.refund.cause.rawValue)
            values[.paymentID] = .id(due.refund.paymentID)
            logger.record(.systemCaseOpened, values)
            logger.recordDecision(file)
            for other in attached { logger.record(.caseAttached, other.logValues) }
        }
    }
}

/// Money is due for an order that is not there yet; the task is tried again.
struct OrderMissing: Error {}
