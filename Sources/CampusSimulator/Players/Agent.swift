import Model
import Synchronization

/// Desk staff: takes whatever waits in the queue, looks at it, and answers in full, in part or not at all.
final class Agent: Sendable {
    private let campus: CampusAccess
    private let cast: Cast
    private let caller: Caller
    private let rest: Duration
    /// The plan of each order, by its id; what is not in there belongs to somebody else's lunch.
    private let plans = Mutex<[String: OrderPlan]>([:])
    private let answered = Mutex<Set<String>>([])
    private let rulings = Mutex<[Account.Ruling]>([])

    /// An agent who pauses for `rest` between two looks at the queue.
    init(cast: Cast, campus: CampusAccess, rest: Duration = .milliseconds(500)) {
        self.cast = cast
        self.campus = campus
        self.rest = rest
        caller = .user("agent:agt_\(cast.run)")
    }

    /// What was ruled so far, as the agent meant it.
    var allRulings: [Account.Ruling] { rulings.withLock(\.self) }

    /// Lets the agent see what really happened to an order.
    func learn(_ plan: OrderPlan, of orderID: String) {
        plans.withLock { $0[orderID] = plan }
    }

    /// Works the queue until cancelled; what cannot be answered spoils the reckoning, not the other cases.
    func run() async {
        while !Task.isCancelled {
            do {
                try await workQueue()
            } catch {
                if !Task.isCancelled { campus.mishaps.note("the agent: \(error)") }
            }
            try? await Task.sleep(for: rest)
        }
    }

    private func workQueue() async throws {
        for entry in try await campus.afterSales.pages("/v1/desk/queue", query: [("limit", "100")], as: caller) {
            guard let caseID = entry["id"]?.string, let orderID = entry["order_id"]?.string,
                let plan = plans.withLock({ $0[orderID] })
            else { continue }
            guard answered.withLock({ $0.insert(caseID).inserted }) else { continue }
            try await answer(caseID, plan)
        }
    }

    private func answer(_ caseID: String, _ plan: OrderPlan) async throws {
        let path = "/v1/desk/cases/\(caseID)"
        try await campus.afterSales.post("\(path)/claim", key: "\(cast.run)-\(caseID)-claim", as: caller)
        let file = try await campus.afterSales.get("/v1/cases/\(caseID)", as: caller)
        let (ruling, fen) = try ruling(plan.story.agentAnswer, on: file)
        rulings.withLock { $0.append(Account.Ruling(orderNumber: plan.number, fen: fen)) }
        try await campus.afterSales.post(
            "\(path)/decide",
            ruling,
            key: "\(cast.run)-\(caseID)-decide",
            as: caller
        )
    }

    /// What the agent says, and how much is to go back by it.
    private func ruling(_ answer: AgentAnswer, on file: JSON) throws -> (JSON, fen: Int64) {
        let items = (file["items"]?.array ?? []).map { ($0["item"]?.string ?? "", $0["asked_fen"]?.integer ?? 0) }
        switch answer {
        case .full:
            let ruling: JSON = [
                "verdict": "approved",
                "reasons": [["zh-CN": "核实属实,全额退款。", "en": "It is as you say: all of it is refunded."]],
            ]
            return (ruling, items.reduce(0) { $0 + $1.1 })
        case .part:
            guard let dearest = items.max(by: { $0.1 < $1.1 }) else {
                throw MissingMember(request: "GET /v1/cases/{id}", members: "items")
            }
            let ruling: JSON = [
                "verdict": "approved",
                "amounts": [["item": .string(dearest.0), "amount_fen": .integer(dearest.1 / 2)]],
                "reasons": [["zh-CN": "退还缺少的部分。", "en": "What was missing is refunded."]],
            ]
            return (ruling, dearest.1 / 2)
        case .reject:
            let ruling: JSON = [
                "verdict": "rejected",
                "reasons": [["zh-CN": "餐品已食用,没有质量问题。", "en": "It was eaten, and nothing was wrong with it."]],
            ]
            return (ruling, 0)
        }
    }
}
