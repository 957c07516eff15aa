/// Durations of single operations, for their percentiles.
struct Percentiles: Sendable {
    private var sorted: [Duration]

    init(_ samples: [Duration]) {
        sorted = samples.sorted()
    }

    var count: Int { sorted.count }

    /// The sample below which that share of all lies, in milliseconds (nearest rank); infinite without
    /// samples.
    func milliseconds(at share: Double) -> Double {
        guard !sorted.isEmpty else { return .infinity }
        let rank = max(1, Int((share * Double(sorted.count)).rounded(.up)))
        let components = sorted[rank - 1].components
        return Double(components.seconds) * 1_000 + Double(components.attoseconds) / 1e15
    }
}
