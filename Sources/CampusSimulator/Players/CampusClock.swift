import Model

/// The campus's own time, which a test clock may have moved ahead of everybody else's.
struct CampusClock: Sendable {
    private let campusAtStart: Timestamp
    private let start: ContinuousClock.Instant

    /// - Parameter campusNow: What the campus's clock shows at this moment.
    init(campusNow: Timestamp) {
        campusAtStart = campusNow
        start = .now
    }

    /// What the campus's clock shows now, unless somebody moves it meanwhile.
    func now() -> Timestamp {
        campusAtStart + (ContinuousClock.now - start)
    }
}
