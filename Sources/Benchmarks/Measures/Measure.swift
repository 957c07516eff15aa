/// One thing that is measured, and the rows it yields.
struct Measure: Sendable {
    /// What `--only` matches.
    let name: String
    /// Takes the measure.
    let run: @Sendable (Bench) async throws -> [Row]

    /// Every measure, those first that need no services running.
    static let all: [Measure] = [
        .clientQueries, .clientCommits, .eventLatency, .groupDrain, .fanOut, .placeOrder, .importOrders, .streamLatency,
        .openCase, .fairness, .memory,
    ]
}
