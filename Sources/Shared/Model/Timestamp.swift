/// A point in time to the microsecond, in UTC.
///
/// It holds exactly what PostgreSQL's `timestamptz` holds, so a value survives the round trip unchanged;
/// a floating-point date does not promise that.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z; negative before it.
    public var microseconds: Int64

    /// The point that many microseconds after 1970-01-01T00:00:00Z.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The point that many whole seconds after 1970-01-01T00:00:00Z.
    public init(seconds: Int64) {
        self.init(microseconds: seconds * 1_000_000)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    public var seconds: Int64 {
        microseconds.quotientRoundedDown(by: 1_000_000)
    }

    /// The earlier point comes first.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// The point `duration` later; digits below a microsecond are dropped.
    public static func + (point: Timestamp, duration: Duration) -> Timestamp {
        Timestamp(microseconds: point.microseconds + duration.wholeMicroseconds)
    }

    /// The point `duration` earlier; digits below a microsecond are dropped.
    public static func - (point: Timestamp, duration: Duration) -> Timestamp {
        Timestamp(microseconds: point.microseconds - duration.wholeMicroseconds)
    }

    /// How long after `earlier` this point lies; negative when it lies before.
    public func duration(since earlier: Timestamp) -> Duration {
        .microseconds(microseconds - earlier.microseconds)
    }
}

extension Duration {
    /// The whole microseconds of this duration, rounded toward zero.
    public var wholeMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }

    /// The duration in milliseconds, with its fraction.
    public var milliseconds: Double {
        Double(components.seconds) * 1_000 + Double(components.attoseconds) / 1e15
    }
}

extension Int64 {
    /// The quotient rounded toward negative infinity, as calendars need it for years before 1970.
    func quotientRoundedDown(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
