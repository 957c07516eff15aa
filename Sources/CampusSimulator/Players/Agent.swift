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
                try await answer(caseID, story, requestedFen: entry["requested_fen"]?.integer ?? 0)
            }
            try await Task.sleep(for: rest)
        }
    }

    private func answer(_ caseID: String, _ story: Story, requestedFen: Int64) async throws {
        let path = "/v1/desk/cases/\(caseID)"
        try await campus.afterSales.post("\(path)/claim", key: "\(cast.run)-\(caseID)-claim", as: caller)
        try await campus.afterSales.post(
            "\(path)/decide",
            decision(story.agentAnswer, requestedFen: requestedFen),
            key: "\(cast.run)-\(caseID)-decide",
            as: caller
        )
    }

    private func decision(_ answer: AgentAnswer, requestedFen: Int64) -> JSON {
        switch answer {
        case .full:
            ["verdict": "approved", "reasons": [["zh-CN": "核实属实,全额退款。", "en": "Confirmed; refunded in full."]]]
        case .part:
            [
                "verdict": "partly_approved", "amount_fen": .integer(max(1, requestedFen / 2)),
                "reasons": [["zh-CN": "缺失部分退款。", "en": "What was missing is refunded."]],
            ]
        case .reject:
            [
                "verdict": "rejected",
                "reasons": [["zh-CN": "餐品已食用,无质量问题,不予退款。", "en": "Eaten, and nothing was wrong with it."]],
            ]
        }
    }
}
