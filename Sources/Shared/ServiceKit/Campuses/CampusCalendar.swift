import Model

/// When a campus is open: terms, days off, opening hours and curfew, all in its local time.
///
/// Nothing set means always open. Statutory periods never ask this; our own clocks do.
public struct CampusCalendar: Hashable, Sendable {
    /// A day of the civil calendar.
    public struct Day: Hashable, Comparable, Sendable, CustomStringConvertible {
        /// Days since 1970-01-01.
        public let number: Int64

        /// A day by its distance from 1970-01-01.
        public init(number: Int64) {
            self.number = number
        }

        /// Reads `2026-03-01`.
        public init?(_ text: String) {
            guard text.utf8.count == 10, let midnight = Timestamp(rfc3339: text + "T00:00:00Z") else { return nil }
            number = midnight.seconds / 86_400
        }

        /// For example `2026-03-01`.
        public var description: String { String(Timestamp(seconds: number * 86_400).rfc3339.prefix(10)) }

        /// 1 for Monday to 7 for Sunday.
        public var weekday: Int { Int((number + 3) % 7 + 7) % 7 + 1 }

        /// In order of time.
        public static func < (left: Day, right: Day) -> Bool { left.number < right.number }
    }

    /// A span of the day in minutes after midnight, from included, to excluded; it may run past midnight.
    public struct Hours: Hashable, Sendable {
        /// 1 for Monday to 7 for Sunday: the days on which it begins.
        public let weekdays: Set<Int>
        /// Minutes after midnight, 0 to 1439.
        public let from: Int
        /// Minutes after midnight, 0 to 1440; not after `from` means on the next day.
        public let to: Int

        /// A span on these weekdays.
        public init(weekdays: Set<Int> = [1, 2, 3, 4, 5, 6, 7], from: Int, to: Int) {
            self.weekdays = weekdays
            self.from = from
            self.to = to
        }

        func contains(minute: Int, of day: Day) -> Bool {
            if from < to { return weekdays.contains(day.weekday) && (from..<to).contains(minute) }
            if minute >= from { return weekdays.contains(day.weekday) }
            return minute < to && weekdays.contains(Day(number: day.number - 1).weekday)
        }
    }

    /// The terms; none means all year.
    public var terms: [ClosedRange<Day>] = []
    /// Days off within terms.
    public var daysOff: Set<Day> = []
    /// Opening hours; none means around the clock.
    public var opening: [Hours] = []
    /// When nobody may be out.
    public var curfew: Hours?

    /// Always open.
    public init() {}

    /// The minutes of a day at which the campus can open or close, in their order, and its end.
    var turns: [Int] {
        Set((opening + [curfew].compactMap(\.self)).flatMap { [$0.from, $0.to] } + [1_440]).sorted()
    }

    /// Whether the campus is open at that minute of its local time.
    public func isOpen(minute: Int, of day: Day) -> Bool {
        guard terms.isEmpty || terms.contains(where: { $0.contains(day) }), !daysOff.contains(day) else { return false }
        if let curfew, curfew.contains(minute: minute, of: day) { return false }
        return opening.isEmpty || opening.contains { $0.contains(minute: minute, of: day) }
    }
}

extension CampusCalendar {
    private static let clockTime = JSONSchema.string(
        length: 5...5,
        pattern: StringPattern(
            expression: "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$",
            meaning: "be a time of day such as 22:30"
        ) { minutes(of: $0) != nil }
    )

    private static let span: [JSONSchema.Member] = [
        .optional(
            "weekdays",
            .array(of: .integer(1...7), count: 1...7),
            "1 for Monday to 7 for Sunday; every day by default."
        ),
        .required("from", clockTime),
        .required("to", clockTime, "Not after `from` means on the next day."),
    ]

    /// A span of some weekdays, in local time.
    public static let hoursSchema = JSONSchema.object(name: "CampusHours", span)

    static let schema = JSONSchema.object(
        name: "CampusCalendar",
        [
            .optional(
                "terms",
                .array(of: .object([.required("from", .date), .required("to", .date)]), count: 0...40),
                "First and last day of each term; none means all year."
            ),
            .optional("days_off", .array(of: .date, count: 0...400), "Days off within terms."),
            .optional(
                "opening",
                .array(of: hoursSchema, count: 0...40),
                "None means around the clock."
            ),
            .optional("curfew", .nullable(hoursSchema), "When nobody may be out."),
        ]
    )

    /// Reads a calendar that the schema has passed; names every term that ends before it begins.
    init(json: JSON) throws(Problem) {
        self.init()
        var faults: [Fault] = []
        for (index, term) in (json["terms"]?.array ?? []).enumerated() {
            if let from = term["from"]?.string.flatMap(Day.init), let to = term["to"]?.string.flatMap(Day.init),
                from <= to
            {
                terms.append(from...to)
            } else {
                faults.append(Fault("/calendar/terms/\(index)", "must not end before it begins"))
            }
        }
        guard faults.isEmpty else { throw .validation(faults) }
        daysOff = Set((json["days_off"]?.array ?? []).compactMap { $0.string.flatMap(Day.init) })
        opening = (json["opening"]?.array ?? []).compactMap(Hours.init(json:))
        curfew = json["curfew"].flatMap(Hours.init(json:))
    }

    /// What ``init(json:)`` reads.
    var json: JSON {
        [
            "terms": .array(
                terms.map {
                    ["from": .string($0.lowerBound.description), "to": .string($0.upperBound.description)]
                }
            ),
            "days_off": .array(daysOff.sorted().map { .string($0.description) }),
            "opening": .array(opening.map(\.json)),
            "curfew": curfew?.json ?? .null,
        ]
    }

    /// Minutes after midnight of `HH:MM`, up to 24:00.
    static func minutes(of text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard text.utf8.count == 5, parts.count == 2, parts[0].utf8.count == 2, let hours = Int(parts[0]),
            let minutes = Int(parts[1]), parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            (0..<24).contains(hours) && (0..<60).contains(minutes) || hours == 24 && minutes == 0
        else { return nil }
        return hours * 60 + minutes
    }
}

extension CampusCalendar.Hours {
    init?(json: JSON) {
        guard let from = json["from"]?.string.flatMap(CampusCalendar.minutes(of:)),
            let to = json["to"]?.string.flatMap(CampusCalendar.minutes(of:))
        else { return nil }
        let weekdays = json["weekdays"]?.array?.compactMap { $0.integer.map { Int($0) } } ?? [1, 2, 3, 4, 5, 6, 7]
        self.init(weekdays: Set(weekdays), from: from % 1_440, to: to)
    }

    var json: JSON {
        func text(_ minutes: Int) -> JSON {
            .string(String(minutes / 60 + 100).suffix(2) + ":" + String(minutes % 60 + 100).suffix(2))
        }
        return [
            "weekdays": .array(weekdays.sorted().map { .integer(Int64($0)) }), "from": text(from), "to": text(to),
        ]
    }
}
