import Model
import Synchronization

/// Desk staff: takes whatever waits in the queue, looks at it, and answers in full, in part or not at all.
final class Agent: Sendable {
    private let campus: CampusAccess
    private let cast: Cast
    private let caller: Caller
    private let rest: Duration
    /// The story of each order, by its id; what is not in there belongs to somebody else's lunch.
    private let stories = Mutex<[String: Story]>([:])
    private let answered = Mutex<Set<String>>([])

    /// An agent who pauses for `rest` between two looks at the queue.
    init(cast: Cast, campus: CampusAccess, rest: Duration = .milliseconds(500)) {
        self.cast = cast
        self.campus = campus
        self.rest = rest
        caller = campus.credentials.tokens["agent"].map(Caller.token) ?? .user("agent:agt_\(cast.run)")
    }

    /// How many cases were answered.
    var answers: Int { answered.withLock(\.count) }

    /// Lets the agent see what really happened to an order.
    func learn(_ story: Story, of orderID: String) {
        stories.withLock { $0[orderID] = story }
    }

    /// Works the queue until cancelled.
    func run() async throws {
        while !Task.isCancelled {
            let queue = try await campus.afterSales.get("/v1/desk/queue", query: [("limit", "100")], as: caller)
            for entry in queue["items"]?.array ?? [] {
                guard let caseID = entry["id"]?.string, let orderID = entry["order_id"]?.string,
                    let story = stories.withLock({ $0[orderID] })
                else { continue }
                guard answered.withLock({ $0.insert(caseID).inserted }) else { continue }
                try await answer(caseID, story)
            }
            try await Task.sleep(for: rest)
        }
    }

    private func answer(_ caseID: String, _ story: Story) async throws {
        let path = "/v1/desk/cases/\(caseID)"
        try await campus.afterSales.post("\(path)/claim", key: "\(cast.run)-\(caseID)-claim", as: caller)
        let file = try await campus.afterSales.get("/v1/cases/\(caseID)", as: caller)
        try await campus.afterSales.post(
            "\(path)/decide",
            try ruling(story.agentAnswer, on: file),
            key: "\(cast.run)-\(caseID)-decide",
            as: caller
        )
    }

    private func ruling(_ answer: AgentAnswer, on file: JSON) throws -> JSON {
        switch answer {
        case .full:
            return [
                "verdict": "approved",
                "reasons": [["zh-CN": "核实属实,全额退款。", "en": "It is as you say: all of it is refunded."]],
            ]
        case .part:
            let items = (file["items"]?.array ?? []).map { ($0["item"]?.string ?? "", $0["asked_fen"]?.integer ?? 0) }
            guard let dearest = items.max(by: { $0.1 < $1.1 }) else {
                throw MissingMember(request: "GET /v1/cases/{id}", members: "items")
            }
            return [
                "verdict": "approved",
                "amounts": [["item": .string(dearest.0), "amount_fen": .integer(dearest.1 / 2)]],
                "reasons": [["zh-CN": "退还缺少的部分。", "en": "What was missing is refunded."]],
            ]
        case .reject:
            return [
                "verdict": "rejected",
                "reasons": [["zh-CN": "餐品已食用,没有质量问题。", "en": "It was eaten, and nothing was wrong with it."]],
            ]
        }
    }
}
