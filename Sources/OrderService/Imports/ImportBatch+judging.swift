import Model
import ServiceKit

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
        verdict.erasures = stored.erasures.filter { erasure in
            verdict.entries.contains { erasure.covers($0.past.order) }
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

extension Order {
    /// Whom it is about, as what is erased is asked for.
    var persons: [Party] {
        [Party(kind: .customer, id: terms.customerID)] + (rider.map { [Party(kind: .rider, id: $0.id)] } ?? [])
    }
}

extension Erasure {
    /// Whether an order is of somebody who asked after they had placed it.
    fileprivate func covers(_ order: Order) -> Bool {
        order.persons.contains(party) && order.terms.placedAt <= requestedAt
    }
}

extension ImportKnowledge.KnownOrder {
    /// What is said of a line that tells of this order otherwise.
    fileprivate var contradiction: Fault {
        let past = origin == .placed ? "was not imported" : "was imported from a line that said something else"
        return Fault("/external_id", "conflicts: it belongs to the order \(id), which \(past)")
    }
}
