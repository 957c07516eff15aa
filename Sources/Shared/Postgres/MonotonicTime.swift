#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A reading of the clock that only goes forward; deadlines are made of it.
struct MonotonicTime: Hashable, Comparable, Sendable {
    /// Since an arbitrary start; 64 bits last for centuries.
    var nanoseconds: UInt64

    static var now: MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    static let distantFuture = MonotonicTime(nanoseconds: .max)

    static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
        let (sum, overflowed) = time.nanoseconds.addingReportingOverflow(duration.nanosecondsClamped)
        return overflowed ? .distantFuture : MonotonicTime(nanoseconds: sum)
    }

    /// How long until this time; zero once it has passed.
    func timeLeft(from now: MonotonicTime) -> Duration {
        self <= now ? .zero : .nanoseconds(Int64(clamping: nanoseconds - now.nanoseconds))
    }

    /// The milliseconds until this time, rounded up, as `poll(2)` wants them; -1 is for ever.
    func pollTimeout(from now: MonotonicTime) -> Int32 {
        if self == .distantFuture { return -1 }
        if self <= now { return 0 }
        return Int32(clamping: (nanoseconds - now.nanoseconds + 999_999) / 1_000_000)
    }

    /// This time in the form of the system's calls.
    var timespecValue: timespec {
        timespec(
            tv_sec: Int(clamping: nanoseconds / 1_000_000_000),
            tv_nsec: Int(nanoseconds % 1_000_000_000)
        )
    }
}

extension Duration {
    /// The duration in nanoseconds; 0 when negative, the maximum when longer than 64 bits hold.
    var nanosecondsClamped: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflowed) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return overflowed ? .max : whole &+ UInt64(attoseconds / 1_000_000_000)
    }

    /// The duration in whole milliseconds, rounded up; 0 when negative.
    var millisecondsRoundedUp: Int64 {
        Int64(clamping: (nanosecondsClamped.addingReportingOverflow(999_999).partialValue) / 1_000_000)
    }

    /// The duration times a random factor between `1 - spread` and `1 + spread`.
    func jittered(by spread: Double, using generator: inout some RandomNumberGenerator) -> Duration {
        self * Double.random(in: 1 - spread...1 + spread, using: &generator)
    }
}
