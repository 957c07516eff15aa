import Model
import ServiceKit

/// The members of a line that a new order does not have.
struct PastMembers {
    let placedAt: Timestamp
    let status: OrderStatus
    let times: [PastStep: Timestamp]
    let rider: Rider?
    let handover: Handover?
    let cancellation: Cancellation?
    /// The earliest first.
    let payments: [PastPayment]
    let refunds: [PastRefund]

    init(_ json: JSON, _ context: ImportContext, _ faults: inout FaultList) {
        placedAt = json["placed_at"]?.time ?? context.now
        status = json["status"]?.string.flatMap(OrderStatus.init) ?? .placed
        times = Dictionary(
            uniqueKeysWithValues: PastStep.allCases.compactMap { step in json[step.timeName]?.time.map { (step, $0) } }
        )
        rider = json["rider"].map { Rider(id: $0["id"]?.string ?? "", name: $0["name"]?.string) }
        handover = json["handover"].flatMap(Handover.init(json:))
        cancellation = json["cancellation"].flatMap(Cancellation.init(json:))
        payments = Self.payments(json["payments"]?.array ?? [], context, &faults)
        refunds = Self.refunds(json["refunds"]?.array ?? [], of: payments, context, &faults)
        if json["cancellation"] != nil, cancellation == nil {
            faults.add("/cancellation/by", "must be a role and an id, for example `customer:stu_1`")
        }
        checkPlacing(context, &faults)
        checkMembers(&faults)
    }

    private func checkPlacing(_ context: ImportContext, _ faults: inout FaultList) {
        if placedAt > context.now + reportedTimeTolerance { faults.add("/placed_at", "lies ahead") }
        if placedAt < earliestReportedTime { faults.add("/placed_at", "must not lie before the year 2000") }
    }

    /// What an order that stands so must say, and what it cannot.
    private func checkMembers(_ faults: inout FaultList) {
        let (required, possible) = status.pastSteps
        for step in PastStep.allCases {
            check(step.timeName, times[step] != nil, required.contains(step), possible.contains(step), &faults)
        }
        let wasCarried = required.contains(.pickedUp)
        let wasDelivered = required.contains(.delivered)
        let isCancelled = status == .cancelled
        check("rider", rider != nil, wasCarried, wasCarried, &faults)
        check("handover", handover != nil, wasDelivered, wasDelivered, &faults)
        check("cancellation", cancellation != nil, isCancelled, isCancelled, &faults)
    }

    private func check(_ name: String, _ isThere: Bool, _ must: Bool, _ may: Bool, _ faults: inout FaultList) {
        if isThere, !may { faults.add("/\(name)", "does not belong to an order that is \(status.rawValue)") }
        if !isThere, must { faults.add("/\(name)", "is missing: the order is \(status.rawValue)") }
    }

    func checkTotals(_ stated: JSON?, _ bill: Bill, _ faults: inout FaultList) {
        let totals = [
            ("lines_fen", bill.linesTotal), ("fees_fen", bill.feesTotal), ("discount_fen", bill.discountTotal),
            ("payable_fen", bill.payable),
        ]
        for (name, amount) in totals {
            guard let said = stated?[name]?.integer, said != amount.fen else { continue }
            faults.add("/totals/\(name)", "is not the \(amount.fen) fen that lines, fees and discounts come to")
        }
    }

    /// The order with its past; nil, and the faults, when it cannot have gone so.
    func order(of terms: OrderTerms, in context: ImportContext, _ faults: inout FaultList) -> OrderHistory? {
        var history = OrderHistory(terms, id: OrderID.make(at: placedAt), in: context)
        let end = times[.cancelled]
        let inTime = payments.filter { payment in end.map { payment.report.paidAt <= $0 } ?? true }
        pay(inTime, &history)
        if history.faults.isEmpty { checkPaid(terms, history.order, &faults) }
        guard faults.all.isEmpty else { return nil }
        if let time = times[.accepted] { history.take(.accept, at: time, "/accepted_at") }
        if let time = times[.ready] {
            history.take(.ready, at: time, "/ready_at")
        } else if times[.pickedUp] != nil, let time = times[.accepted] {
            history.takeUnseen(.ready, after: time, "/accepted_at")
        }
        if let rider, let time = times[.pickedUp] { history.take(.pickUp(rider), at: time, "/picked_up_at") }
        if let handover, let time = times[.delivered] { history.take(.deliver(handover), at: time, "/delivered_at") }
        if let time = times[.completed] { history.take(.complete, at: time, "/completed_at") }
        if let end, let cancellation {
            history.take(.cancel(reason: cancellation.reason), at: end, "/cancelled_at")
            pay(Array(payments.dropFirst(inTime.count)), &history)
            history.noteCanceller(by: cancellation.actor)
        }
        for fault in history.faults { faults.add(fault.pointer, fault.detail) }
        guard faults.all.isEmpty else { return nil }
        history.settle(readyAt: times[.ready])
        return history
    }

    private func pay(_ payments: [PastPayment], _ history: inout OrderHistory) {
        for payment in payments {
            let command = OrderCommand.pay(payment.report.reported, amount: payment.share)
            history.take(command, at: payment.report.paidAt, "/payments/\(payment.place)", waits: status == .paid)
        }
    }

    private func checkPaid(_ terms: OrderTerms, _ order: Order, _ faults: inout FaultList) {
        let cost = terms.bill.payable.fen
        switch status {
        case .placed:
            if order.status != .placed { faults.add("/status", "cannot be placed: the payments cover the \(cost) fen") }
        case .paid where !terms.isPaidHere:
            faults.add("/status", "cannot be paid: an order of \(terms.source.rawValue) is paid there")
        case .paid, .accepted, .ready, .pickedUp, .delivered, .completed:
            guard terms.isPaidHere, order.status == .placed else { return }
            let detail = "do not cover the \(cost) fen of the order"
            faults.add("/payments", cost > 0 ? detail : "are missing: an order that costs nothing has one of 0 fen")
        case .cancelled: break
        }
    }

    private static func payments(
        _ entries: [JSON],
        _ context: ImportContext,
        _ faults: inout FaultList
    ) -> [PastPayment] {
        var payments: [PastPayment] = []
        for (index, entry) in entries.enumerated() {
            let place = "/payments/\(index)"
            let read = faults.gather(at: place) { () throws(Problem) in
                try PastPayment.parsed(entry, at: index, context)
            }
            guard let payment = read else { continue }
            let key = payment.key(in: context.campus.id)
            if payments.contains(where: { $0.key(in: context.campus.id) == key }) {
                faults.add("\(place)/transaction_id", "is there twice")
            }
            payments.append(payment)
        }
        return payments.sorted { ($0.report.paidAt, $0.report.id) < ($1.report.paidAt, $1.report.id) }
    }

    private static func refunds(
        _ entries: [JSON],
        of payments: [PastPayment],
        _ context: ImportContext,
        _ faults: inout FaultList
    ) -> [PastRefund] {
        var refunds: [PastRefund] = []
        for (index, entry) in entries.enumerated() {
            let place = "/refunds/\(index)"
            let read = faults.gather(at: place) { () throws(Problem) in
                try PastRefund.parsed(entry, of: payments, context)
            }
            guard let refund = read else { continue }
            if refunds.contains(where: { $0.number == refund.number }) {
                faults.add("\(place)/out_refund_no", "is there twice")
            }
            refunds.append(refund)
        }
        return refunds
    }
}

extension OrderStatus {
    /// The steps whose times an order that stands so must tell, and those it may.
    fileprivate var pastSteps: (required: Set<PastStep>, possible: Set<PastStep>) {
        switch self {
        case .placed, .paid: ([], [])
        case .accepted: ([.accepted], [.accepted])
        case .ready: ([.accepted, .ready], [.accepted, .ready])
        case .pickedUp: ([.accepted, .pickedUp], [.accepted, .ready, .pickedUp])
        case .delivered: ([.accepted, .pickedUp, .delivered], [.accepted, .ready, .pickedUp, .delivered])
        case .completed:
            (
                [.accepted, .pickedUp, .delivered, .completed],
                [.accepted, .ready, .pickedUp, .delivered, .completed]
            )
        case .cancelled: ([.cancelled], [.accepted, .ready, .cancelled])
        }
    }
}

extension Cancellation {
    /// Reads what a line says; nil when nobody can be called that.
    fileprivate init?(json: JSON) {
        guard let actor = json["by"]?.string.flatMap(Actor.init) else { return nil }
        self.init(actor: actor, reason: json["reason"]?.string ?? "")
    }
}

extension JSON {
    /// The time that a string says.
    var time: Timestamp? { string.flatMap(Timestamp.init(rfc3339:)) }
}
