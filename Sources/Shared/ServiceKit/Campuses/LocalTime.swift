import Model

/// What the clocks on a campus show, to the minute.
public struct LocalTime: Hashable, Sendable {
    /// The day.
    public let day: CampusCalendar.Day
    /// Minutes after midnight, 0 to 1439.
    public let minute: Int

    /// That minute of that day.
    public init(day: CampusCalendar.Day, minute: Int) {
        self.day = day
        self.minute = minute
    }

    /// 1 for January to 12 for December.
    public var month: Int { part(of: day, at: 1) }

    /// 1 to 31.
    public var dayOfMonth: Int { part(of: day, at: 2) }

    /// For example `07:05`.
    public var clock: String { twoDigits(minute / 60) + ":" + twoDigits(minute % 60) }

    private func part(of day: CampusCalendar.Day, at index: Int) -> Int {
        Int(day.description.split(separator: "-")[index]) ?? 0
    }

    private func twoDigits(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}

extension Timestamp {
    /// The first full minute that is not before this time.
    public var roundedUpToMinute: Timestamp {
        let minutes = -(-microseconds).dividedRoundingDown(by: 60_000_000)
        return Timestamp(microseconds: minutes * 60_000_000)
    }
}
