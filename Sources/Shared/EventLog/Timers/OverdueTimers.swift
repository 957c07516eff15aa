/// Timers whose time has come and that have not fired.
public struct OverdueTimers: Hashable, Sendable {
    /// How many there are.
    public let count: Int
    /// For how long the first of them has been due; zero when there is none.
    public let longest: Duration
}
