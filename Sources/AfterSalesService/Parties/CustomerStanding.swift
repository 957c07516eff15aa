import Model

/// What rules may know of a customer, as far as the platform told it.
struct CustomerStanding: Hashable, Sendable {
    /// Their tier with the platform.
    var memberTier: String?
    /// Since when they have been with the platform.
    var registeredAt: Timestamp?

    /// For how many whole days they had been with the platform; 365 at most.
    ///
    /// Decisions keep it for good, and longer spans would tell people apart while they tell rules nothing.
    func accountAgeDays(at now: Timestamp) -> Int? {
        registeredAt.map { min(Self.longestAge, max(0, Int(now.duration(since: $0).components.seconds / 86_400))) }
    }

    private static let longestAge = 365
}
