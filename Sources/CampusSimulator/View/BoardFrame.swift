/// What the table shows at one moment, as lines of text; pure, so that a test can look at it.
struct BoardFrame {
    var rows: [LunchBoard.Row]
    var planned: Int
    var told: Int
    var elapsed: Duration
    var heading: String

    /// One line that sums it up.
    var summary: String {
        let counts = Dictionary(grouping: rows, by: \.orderStatus).mapValues(\.count)
        let parts = LunchBoard.Row.statuses.compactMap { status in counts[status].map { "\(status) \($0)" } }
        return "订单 orders \(rows.count)/\(planned): \(parts.joined(separator: " · "))"
    }

    /// One line about the money on its way back.
    var refundSummary: String {
        let refunds = rows.flatMap(\.refunds.values)
        let back = refunds.filter { $0.status == "succeeded" }
        let moving = refunds.filter { $0.status != "succeeded" && $0.status != "closed" }
        return "退款 refunds: \(back.count) back \(yuan(back.reduce(0) { $0 + $1.fen })), "
            + "\(moving.count) moving \(yuan(moving.reduce(0) { $0 + $1.fen })) · 通知 told \(told)"
    }

    /// Heading, sums and the orders that moved last, in that many rows and columns.
    func lines(rowCount: Int, columns: Int) -> [String] {
        let seconds = elapsed.components.seconds
        var lines = ["\(heading) · \(seconds)s", summary, refundSummary, String(repeating: "─", count: columns)]
        let moved = rows.sorted { $0.movedAt > $1.movedAt }.prefix(max(0, rowCount - lines.count - 1))
        lines += moved.map(Self.line)
        return lines.map { $0.fitted(to: columns) }
    }

    private static func line(of row: LunchBoard.Row) -> String {
        let refunds = row.refunds.values.map { "\(yuan($0.fen)) \($0.status)" }.sorted().joined(separator: ", ")
        return "#\(row.number)".fitted(to: 6) + row.story.words.fitted(to: 26) + row.orderStatus.fitted(to: 11)
            + row.words.fitted(to: 24) + refunds
    }
}
