import Model
import Testing

@testable import ServiceKit

@Suite("Latency histogram")
struct LatencyHistogramTests {
    @Test("Nothing counted is zero")
    func empty() {
        #expect(LatencyHistogram().quantile(0.99) == .zero)
    }

    @Test("One duration is every percentile")
    func one() {
        var histogram = LatencyHistogram()
        histogram.record(.microseconds(1_234))
        for quantile in [0, 0.5, 0.99, 1] { #expect(histogram.quantile(quantile) == .microseconds(1_234)) }
    }

    @Test("Percentiles are within 1/32 above the exact nearest rank", arguments: [1, 7, 40, 1_000, 50_000])
    func precise(scale: Int) {
        var histogram = LatencyHistogram()
        let values = (1...1_000).map { $0 * scale }
        for value in values.shuffled() { histogram.record(.microseconds(value)) }
        for quantile in [0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1] {
            let exact = Double(values[max(1, Int((quantile * 1_000).rounded(.up))) - 1])
            let found = histogram.quantile(quantile).milliseconds * 1_000
            #expect(found >= exact)
            #expect(found <= exact * (1 + 1.0 / 32) + 1, "\(quantile) of \(scale)")
        }
        #expect(histogram.count == 1_000)
        #expect(histogram.maximum == .microseconds(1_000 * scale))
    }

    @Test("The tail is seen: 98 fast, 2 slow")
    func tail() {
        var histogram = LatencyHistogram()
        for _ in 0..<98 { histogram.record(.microseconds(100)) }
        for _ in 0..<2 { histogram.record(.seconds(3)) }
        #expect(histogram.quantile(0.5) < .microseconds(110))
        #expect(histogram.quantile(0.95) < .microseconds(110))
        #expect(histogram.quantile(0.99) > .milliseconds(2_900))
    }

    @Test("Extremes are counted")
    func extremes() {
        var histogram = LatencyHistogram()
        histogram.record(.zero)
        histogram.record(.seconds(-1))
        histogram.record(.seconds(100_000))
        #expect(histogram.count == 3)
        #expect(histogram.quantile(0.5) <= .microseconds(1))
        #expect(histogram.quantile(1) > .seconds(1_000))
    }
}
