import Model

/// What everybody has been told so far, put together from their streams: one row for each order.
final class LunchBoard: Sendable {
    /// One order as its people know it.
    struct Row: Sendable {
        var number: Int
        var story: Story
        /// The status that the newest line about the order told.
        var orderStatus = ""
        /// The newest words to the student, Chinese.
        var words = ""
        /// The status and amount of each refund, by its id.
        var refunds: [String: (status: String, fen: Int64)] = [:]
        /// When it moved last, counted in lines told.
        var movedAt = 0
    }

    /// Something that somebody was just told.
    struct Change: Sendable {
        var number: Int
        var story: Story
        var recipient: String
        var type: String
        var title: String
        var body: String
    }

    private struct State: Sendable {
        var rows: [String: Row] = [:]
        /// Lines that came before the answer that names their order.
        var early: [String: [(recipient: String, line: JSON)]] = [:]
        var recent: [Change] = []
        var told = 0
    }

    private static let recentKept = 200
    private let state = Watched(State())

    /// Rows by order id.
    var rows: [String: Row] { state.value.rows }
    /// How many lines were told.
    var told: Int { state.value.told }

    /// Gives an order its row.
    func add(_ order: PlacedOrder) {
        let early = state.update { state in
            state.rows[order.id] = Row(number: order.plan.number, story: order.plan.story)
            return state.early.removeValue(forKey: order.id) ?? []
        }
        for (recipient, line) in early { tell(recipient, line) }
    }

    /// Takes a line that a stream brought to `recipient`.
    func tell(_ recipient: String, _ line: JSON) {
        guard let orderID = line["data"]?["order_id"]?.string else { return }
        state.update { state in
            guard var row = state.rows[orderID] else {
                state.early[orderID, default: []].append((recipient, line))
                return
            }
            state.told += 1
            row.take(line, toldTo: recipient)
            row.movedAt = state.told
            state.rows[orderID] = row
            state.recent.append(Change(row: row, recipient: recipient, line: line))
            if state.recent.count > Self.recentKept { state.recent.removeFirst() }
        }
    }

    /// Takes the changes since the last call, oldest first; beyond two hundred the older ones are gone.
    func takeRecent() -> [Change] {
        state.update { state in
            defer { state.recent = [] }
            return state.recent
        }
    }

    /// Waits until the rows are as wanted.
    ///
    /// - Returns: Whether they were before `timeout`.
    func wait(
        atMost timeout: Duration,
        until isSatisfied: @escaping @Sendable ([String: Row]) -> Bool
    ) async -> Bool {
        await state.wait(atMost: timeout) { isSatisfied($0.rows) }
    }
}

extension LunchBoard.Row {
    /// The statuses in the order of an order's life; `cancelled` ends it from anywhere.
    static let statuses = [
        "placed", "paid", "accepted", "ready", "picked_up", "delivered", "completed", "cancelled",
    ]

    private static func isLater(_ status: String, than known: String) -> Bool {
        (statuses.firstIndex(of: status) ?? 0) >= (statuses.firstIndex(of: known) ?? 0)
    }

    fileprivate mutating func take(_ line: JSON, toldTo recipient: String) {
        guard let data = line["data"], let type = line["type"]?.string else { return }
        if type.hasPrefix("refund."), let id = data["refund_id"]?.string, let status = data["status"]?.string {
            // A refund that has ended does not begin again, whichever stream is slower.
            if refunds[id].map({ $0.status != "succeeded" && $0.status != "closed" }) ?? true {
                refunds[id] = (status, data["amount_fen"]?.integer ?? 0)
            }
        }
        // Streams of different people are not in step; an order only ever goes on.
        if type.hasPrefix("order."), let status = data["status"]?.string, Self.isLater(status, than: orderStatus) {
            orderStatus = status
        }
        if recipient.hasPrefix("customer:") { words = line["title"]?["zh-CN"]?.string ?? type }
    }
}

extension LunchBoard.Change {
    fileprivate init(row: LunchBoard.Row, recipient: String, line: JSON) {
        number = row.number
        story = row.story
        self.recipient = recipient
        type = line["type"]?.string ?? ""
        title = line["title"]?["zh-CN"]?.string ?? line["type"]?.string ?? ""
        body = line["body"]?["en"]?.string ?? ""
    }
}
