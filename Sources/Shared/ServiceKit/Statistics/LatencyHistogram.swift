/// Counts durations in buckets whose width grows with the duration, so that any percentile is known to 1/32.
///
/// Durations up to 32 µs have a bucket for each microsecond; above, each power of two has 32 buckets. The last bucket takes everything
/// beyond 2^31 µs (36 minutes).
public struct LatencyHistogram: Sendable {
    private static let linear = 32
    private static let largestExponent = 31
    private static let bucketCount = linear + (largestExponent - 5) * linear

    private var buckets = [UInt32](repeating: 0, count: bucketCount)
    /// How many durations were counted.
    public private(set) var count: UInt64 = 0
    /// The longest.
    public private(set) var maximum: Duration = .zero

    /// An empty histogram.
    public init() {}

    /// Counts a duration; negative ones count as zero.
    public mutating func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let microseconds =
            seconds < 0 ? 0 : UInt64(seconds) * 1_000_000 + UInt64(max(0, attoseconds)) / 1_000_000_000_000
        buckets[Self.bucket(of: microseconds)] &+= 1
        count += 1
        if duration > maximum { maximum = duration }
    }

    /// The duration that the share `quantile` of those counted does not exceed; zero when none was counted.
    ///
    /// The nearest-rank method over buckets: the answer is the upper end of the bucket, never more than the longest counted.
    ///
    /// - `quantile`: from 0 to 1, for example 0.99.
    public func quantile(_ quantile: Double) -> Duration {
        guard count > 0 else { return .zero }
        let rank = max(1, UInt64((quantile * Double(count)).rounded(.up)))
        var seen: UInt64 = 0
        for (index, amount) in buckets.enumerated() where amount > 0 {
            seen += UInt64(amount)
            if seen >= rank { return min(maximum, .microseconds(Int64(Self.upperEnd(of: index)))) }
        }
        return maximum
    }

    private static func bucket(of microseconds: UInt64) -> Int {
        guard microseconds >= UInt64(linear) else { return Int(microseconds) }
        let exponent = 63 - microseconds.leadingZeroBitCount
        guard exponent < largestExponent else { return bucketCount - 1 }
        let fraction = Int(microseconds >> UInt64(exponent - 5)) & (linear - 1)
        return linear + (exponent - 5) * linear + fraction
    }

    private static func upperEnd(of bucket: Int) -> UInt64 {
        guard bucket >= linear else { return UInt64(bucket) + 1 }
        let exponent = (bucket - linear) / linear + 5
        let fraction = UInt64((bucket - linear) % linear)
        return (UInt64(linear) + fraction + 1) << UInt64(exponent - 5)
    }
}
