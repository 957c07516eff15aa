/// Runs `body` at a steady rate for so long, each start on its own tick whatever the last one took.
///
/// The body gets its number and the instant at which it was due: measured from there, a machine that cannot keep up shows.
func steadily(
    perSecond rate: Int,
    seconds: Int,
    _ body: @escaping @Sendable (Int, ContinuousClock.Instant) async throws -> Void
) async throws {
    let start = ContinuousClock.now
    try await withThrowingDiscardingTaskGroup { group in
        for index in 0..<rate * seconds {
            let due = start + .nanoseconds(1_000_000_000 / rate * index)
            try await Task.sleep(until: due, clock: .continuous)
            group.addTask { try await body(index, due) }
        }
    }
}
