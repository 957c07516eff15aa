/// Shows the board while the lunch goes on.
struct BoardView: Sendable {
    let board: LunchBoard
    let planned: Int
    let heading: String
    let console: Console

    /// Redraws five times a second on a terminal, else writes a line a second and one for each refund that moves;
    /// until cancelled.
    func run() async {
        let start = ContinuousClock.now
        if console.isTerminal { console.clear() }
        while !Task.isCancelled {
            show(elapsed: ContinuousClock.now - start)
            try? await Task.sleep(for: console.isTerminal ? .milliseconds(200) : .seconds(1))
        }
        show(elapsed: ContinuousClock.now - start)
    }

    private func show(elapsed: Duration) {
        let frame = BoardFrame(
            rows: Array(board.rows.values),
            planned: planned,
            told: board.told,
            elapsed: elapsed,
            heading: heading
        )
        let changes = board.takeRecent()
        if console.isTerminal {
            let size = console.size
            console.redraw(frame.lines(rowCount: size.rows, columns: size.columns - 1))
            return
        }
        for change in changes where change.recipient.hasPrefix("customer:") && change.type.hasPrefix("refund.") {
            console.write("  #\(change.number) \(change.story.words): \(change.title) — \(change.body)")
        }
        console.write("[\(elapsed.components.seconds)s] \(frame.summary) | \(frame.refundSummary)")
    }
}
