import ServiceLifecycle

/// Does a round of work at once, and again and again until the process shuts down.
public struct Rounds: Service {
    private let interval: Duration
    private let round: @Sendable () async throws -> Void

    /// Rounds of that work.
    ///
    /// - Parameters:
    ///   - interval: the pause between two.
    ///   - round: what is done; what it throws ends that round alone and is not logged, for it is the database that is away, which
    ///     others say.
    public init(every interval: Duration = .seconds(60), _ round: @escaping @Sendable () async throws -> Void) {
        self.interval = interval
        self.round = round
    }

    /// Goes round until shut down.
    public func run() async {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await round()
                try await Task.sleep(for: interval)
            }
        }
    }
}
