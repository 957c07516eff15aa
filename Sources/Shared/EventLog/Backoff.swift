/// How long to wait after a failure: twice as long each time up to a limit, give or take a half.
public struct Backoff: Hashable, Sendable {
    /// The wait after the first failure, before jitter.
    public var first: Duration
    /// The longest wait, before jitter.
    public var longest: Duration

    /// Chooses waits.
    public init(first: Duration = .seconds(1), longest: Duration = .seconds(3600)) {
        self.first = first
        self.longest = longest
    }

    /// The wait after that many failures in a row: between half and one and a half of the doubled first wait.
    public func delay(after failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        var wait = first
        for _ in 1..<max(1, min(failures, 64)) where wait < longest {
            wait *= 2
        }
        return min(wait, longest) * Double.random(in: 0.5...1.5, using: &generator)
    }

    /// The wait after that many failures in a row, with jitter of the system's generator.
    public func delay(after failures: Int) -> Duration {
        var generator = SystemRandomNumberGenerator()
        return delay(after: failures, using: &generator)
    }
}
