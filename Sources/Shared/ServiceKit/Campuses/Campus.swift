import Model

/// A campus as requests see it: who it is, and what it set for itself.
public struct Campus: Sendable {
    /// Its id, the tenant in every key and index.
    public let id: CampusID
    /// Its short name, for people and logs.
    public let code: String
    /// Its name.
    public let name: String
    /// Whether its clock can be advanced and its money is play money.
    public let isTest: Bool
    /// What it set for itself.
    public let settings: CampusSettings
    /// Its local time.
    public let timezone: CampusTimezone

    /// A campus.
    public init(
        id: CampusID,
        code: String,
        name: String,
        isTest: Bool,
        settings: CampusSettings,
        timezone: CampusTimezone
    ) {
        self.id = id
        self.code = code
        self.name = name
        self.isTest = isTest
        self.settings = settings
        self.timezone = timezone
    }

    /// The day on the campus at that time.
    public func localDay(at time: Timestamp) -> CampusCalendar.Day {
        CampusCalendar.Day(number: timezone.localSeconds(at: time).dividedRoundingDown(by: 86_400))
    }

    /// When that day begins on the campus.
    public func start(of day: CampusCalendar.Day) -> Timestamp {
        timezone.time(ofLocalSeconds: day.number * 86_400)
    }

    /// What the clocks on the campus show at that time.
    public func localTime(at time: Timestamp) -> LocalTime {
        let local = timezone.localSeconds(at: time)
        let day = local.dividedRoundingDown(by: 86_400)
        return LocalTime(day: CampusCalendar.Day(number: day), minute: Int(local - day * 86_400) / 60)
    }

    /// Whether the campus is open at that time: within a term, not a day off, in opening hours, not under curfew.
    public func isOpen(at time: Timestamp) -> Bool {
        let local = localTime(at: time)
        return settings.calendar.isOpen(minute: local.minute, of: local.day)
    }

    /// The time at which `duration` of open time has passed since `start`.
    ///
    /// Our own clocks (a merchant's answer, the desk's first look) run only while the campus is open.
    ///
    /// - `horizon`: how far to look; a campus that stays closed answers that far ahead.
    public func deadline(
        after duration: Duration,
        from start: Timestamp,
        horizon: Duration = .days(60)
    ) -> Timestamp {
        guard settings.calendar != CampusCalendar() else { return start + duration }
        let turns = settings.calendar.turns
        var remaining = duration
        var time = start
        let end = start + horizon
        while remaining > .zero, time < end {
            let next = nextTurn(after: time, among: turns)
            if isOpen(at: time) {
                let span = next.duration(since: time)
                if remaining <= span { return min(time + remaining, end) }
                remaining -= span
            }
            time = next
        }
        return min(time, end)
    }

    /// The first time after `time` at which the campus can open or close: the day's next turn, or the clocks' change.
    private func nextTurn(after time: Timestamp, among turns: [Int]) -> Timestamp {
        let local = timezone.localSeconds(at: time)
        let second = local - local.dividedRoundingDown(by: 86_400) * 86_400
        let turn = turns.lazy.map { Int64($0) * 60 }.first { $0 > second } ?? 86_400
        let next = Timestamp(seconds: time.seconds + turn - second)
        return min(next, timezone.nextChange(after: time) ?? next)
    }
}

/// A timezone's distance from UTC over the years at hand.
///
/// The rules come from PostgreSQL, so that all processes agree and no container needs a timezone database of its own.
public struct CampusTimezone: Hashable, Sendable {
    /// A change of the offset.
    public struct Change: Hashable, Sendable {
        /// From when on.
        public let since: Timestamp
        /// Seconds east of UTC.
        public let offset: Int64

        /// A change.
        public init(since: Timestamp, offset: Int64) {
            self.since = since
            self.offset = offset
        }
    }

    /// Its name in the IANA database.
    public let name: String
    private let changes: [Change]

    /// A timezone with its changes in order of time; the first one's offset also holds before it.
    public init(name: String, changes: [Change]) {
        self.name = name
        self.changes = changes
    }

    /// Seconds since 1970-01-01T00:00 of the local clock.
    func localSeconds(at time: Timestamp) -> Int64 {
        time.seconds + offset(at: time)
    }

    /// The time at which the local clock shows that; the earlier one where it shows it twice.
    func time(ofLocalSeconds local: Int64) -> Timestamp {
        let guess = Timestamp(seconds: local - offset(at: Timestamp(seconds: local - (changes.last?.offset ?? 0))))
        let earlier = Timestamp(seconds: local - offset(at: guess - .seconds(7_200)))
        return localSeconds(at: earlier) == local ? min(earlier, guess) : guess
    }

    /// When the local clock is set forward or back next; nil when that is not known to happen.
    func nextChange(after time: Timestamp) -> Timestamp? {
        changes.first { $0.since > time }?.since
    }

    private func offset(at time: Timestamp) -> Int64 {
        (changes.last { $0.since <= time } ?? changes.first)?.offset ?? 0
    }
}

extension Int64 {
    /// The quotient rounded toward negative infinity.
    func dividedRoundingDown(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
