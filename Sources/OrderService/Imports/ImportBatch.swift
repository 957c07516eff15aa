import Model
import ServiceKit

/// Some lines of an import, one after the other: what they tell, and what is wrong with them.
struct ImportBatch: Sendable {
    /// The most lines in one transaction.
    static let lineLimit = 1_000
    /// The most bytes in one transaction.
    static let byteLimit = 4 << 20

    /// The number of its first line.
    let firstLine: Int64
    /// The number of the line that follows it.
    private(set) var nextLine: Int64
    private(set) var orders: [PastOrder] = []
    private(set) var faults: [ImportFault] = []
    private var bytes = 0

    init(firstLine: Int64) {
        self.firstLine = firstLine
        nextLine = firstLine
    }

    var isEmpty: Bool { nextLine == firstLine }
    var isFull: Bool { nextLine - firstLine >= Int64(Self.lineLimit) || bytes >= Self.byteLimit }

    /// Reads the next line; one that is blank counts and says nothing.
    mutating func add(_ line: BodyLines.Line, in context: ImportContext) {
        let number = nextLine
        nextLine += 1
        switch line {
        case .tooLong:
            let fault = Fault("", "has more than \(BodyRule.standardLimit) bytes")
            faults += ImportFault.all([fault], of: number)
        case .text(let text):
            bytes += text.count
            guard !text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) else { return }
            do throws(Problem) {
                orders.append(try PastOrder.parsed(text, line: number, in: context))
            } catch {
                faults += ImportFault.all(error.faults, of: number)
            }
        }
    }
}

/// What is stored of what a batch tells of.
struct ImportKnowledge: Sendable {
    /// An order that has one of its numbers.
    struct KnownOrder: Sendable {
        var id: OrderID
        var origin: Origin
    }

    /// Where an order that is known came from.
    enum Origin: Hashable, Sendable {
        /// It was placed here.
        case placed
        /// It was imported from the line of this digest.
        case imported([UInt8])
        /// It was imported and then erased: what its line said is not known any more.
        case erased
    }

    /// A payment that has one of its numbers.
    struct KnownPayment: Sendable {
        var id: PaymentID
        var amount: Money
        var createdAt: Timestamp
        /// How much of it is spread over orders.
        var spread: Money
    }

    var orders: [String: KnownOrder] = [:]
    var payments: [PaymentKey: KnownPayment] = [:]
    /// The numbers of past refunds, of those that the batch names.
    var refunds: Set<String> = []
}

/// What of a batch is stored.
struct ImportVerdict: Sendable {
    /// An order that is new, with what its refunds took.
    struct Entry: Sendable {
        var past: PastOrder
        var refunds: [SettledRefund]
    }

    /// A refund, and how much of which item it paid back.
    struct SettledRefund: Sendable {
        var refund: PastRefund
        var payment: PaymentID
        var items: [PaidItem: Money]
    }

    /// A payment that is new, and when it is recorded: one after the other.
    struct NewPayment: Sendable {
        var report: PaymentReport
        var createdAt: Timestamp
    }

    var entries: [Entry] = []
    var payments: [NewPayment] = []
    var skipped = 0
    var faults: [ImportFault] = []
}

extension ImportBatch {
    /// Decides about each line, given what is stored: a line can also be told before by another one of the batch.
    func judged(knowing stored: ImportKnowledge, in context: ImportContext) -> ImportVerdict {
        var knowledge = stored
        var verdict = ImportVerdict(faults: faults)
        for past in orders {
            if let known = knowledge.orders[past.externalID] {
                if known.origin == .imported(past.digest.bytes) || known.origin == .erased {
                    verdict.skipped += 1
                } else {
                    verdict.faults += ImportFault.all([known.contradiction], of: past.line)
                }
                continue
            }
            var faults: [Fault] = []
            let payments = knowledge.recording(past.payments, after: verdict.payments.count, in: context, &faults)
            let refunds = knowledge.settling(past, payments, &faults)
            guard faults.isEmpty else {
                verdict.faults += ImportFault.all(faults, of: past.line)
                continue
            }
            knowledge.orders[past.externalID] = .init(id: past.order.id, origin: .imported(past.digest.bytes))
            for (key, payment) in payments {
                if knowledge.payments[key] == nil, let told = past.payments.first(where: { $0.report.id == payment.id })
                {
                    verdict.payments.append(.init(report: told.report, createdAt: payment.createdAt))
                }
                knowledge.payments[key] = payment
            }
            knowledge.refunds.formUnion(past.refunds.map(\.number))
            verdict.entries.append(.init(past: past, refunds: refunds))
        }
        return verdict
    }
}

extension ImportKnowledge {
    /// The payments of a line with their parts for it; one that is known must be told as before, and have enough left.
    fileprivate func recording(
        _ told: [PastPayment],
        after count: Int,
        in context: ImportContext,
        _ faults: inout [Fault]
    ) -> [PaymentKey: KnownPayment] {
        var recorded: [PaymentKey: KnownPayment] = [:]
        for (index, payment) in told.enumerated() {
            let key = payment.key(in: context.campus.id)
            let place = "/payments/\(payment.place)"
            var known =
                payments[key]
                ?? KnownPayment(
                    id: payment.report.id,
                    amount: payment.report.amount,
                    createdAt: context.now + .microseconds(count + index),
                    spread: .zero
                )
            if known.id != payment.report.id || known.amount != payment.report.amount {
                faults.append(Fault("\(place)/transaction_id", "was reported before, with another amount or time"))
            }
            known.spread = Money(fen: known.spread.fen + payment.share.fen)
            if known.spread > known.amount {
                let left = known.amount.fen - known.spread.fen + payment.share.fen
                faults.append(Fault("\(place)/amount_fen", "is more than the \(left) fen that other orders left of it"))
            }
            recorded[key] = known
        }
        return recorded
    }

    /// What the refunds of a line took of which item; they cannot have paid back what was not paid.
    fileprivate func settling(
        _ past: PastOrder,
        _ recorded: [PaymentKey: KnownPayment],
        _ faults: inout [Fault]
    ) -> [ImportVerdict.SettledRefund] {
        guard !past.refunds.isEmpty, faults.isEmpty else { return [] }
        var order = past.order
        let places = Dictionary(recorded.values.map { ($0.id, $0.createdAt) }) { first, _ in first }
        order.payments.sort { left, right in
            (places[left.paymentID] ?? left.paidAt, left.paymentID) < (
                places[right.paymentID] ?? right.paidAt, right.paymentID
            )
        }
        var paid = PaidItems(of: order)
        var settled: [ImportVerdict.SettledRefund] = []
        for (index, refund) in past.refunds.enumerated() {
            let place = "/refunds/\(index)"
            if refunds.contains(refund.number) { faults.append(Fault("\(place)/out_refund_no", "was imported before")) }
            guard
                let payment = past.payments.first(where: {
                    refund.transactionID == nil || $0.report.transactionID == refund.transactionID
                })
            else { continue }
            do throws(PaidItems.Excess) {
                let items = try paid.take(refund, of: payment.report.id)
                settled.append(.init(refund: refund, payment: payment.report.id, items: items))
            } catch {
                let what = error.item.map { "\($0.name)" } ?? "its payment"
                faults.append(
                    Fault("\(place)/amount_fen", "is more than the \(error.left.fen) fen that are left of \(what)")
                )
            }
        }
        return settled
    }
}

extension ImportKnowledge.KnownOrder {
    /// What is said of a line that tells of this order otherwise.
    fileprivate var contradiction: Fault {
        let past = origin == .placed ? "was not imported" : "was imported from a line that said something else"
        return Fault("/external_id", "conflicts: it belongs to the order \(id), which \(past)")
    }
}
