import Model
import Testing

@Suite struct MoneyTests {
    @Test func allocationSumsExactlyAndFavoursLargestRemainders() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            let weights = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                Money(fen: Int64.random(in: 0...100_000, using: &generator))
            }
            let total = weights.reduce(0) { $0 + $1.fen }
            guard total > 0 else { continue }
            let amount = Money(fen: Int64.random(in: 0...total, using: &generator))
            let parts = amount.allocated(over: weights)
            #expect(parts.reduce(0) { $0 + $1.fen } == amount.fen)
            for (part, weight) in zip(parts, weights) {
                #expect(part <= weight)
                // Each part is the exact proportion rounded down or up.
                let floor = weight.fen * amount.fen / total
                #expect(part.fen == floor || part.fen == floor + 1)
            }
        }
    }

    @Test func equalRemaindersFavourTheEarlierPart() {
        #expect(
            Money(fen: 100).allocated(over: [Money(fen: 1), Money(fen: 1), Money(fen: 1)]).map(\.fen) == [34, 33, 33]
        )
        #expect(Money(fen: 5).allocated(over: [Money(fen: 0), Money(fen: 7)]).map(\.fen) == [0, 5])
        #expect(Money(fen: 5).allocated(over: [.zero, .zero]).map(\.fen) == [0, 0])
    }

    @Test func allocationOfLargeAmountsDoesNotOverflow() {
        let half = Money(fen: Int64.max / 2)
        #expect(Money(fen: Int64.max - 1).allocated(over: [half, half]).map(\.fen) == [half.fen, half.fen])
    }

    @Test func sharesOfUnitsSumToTheWholeWhateverTheCuts() {
        for payable in [0, 1, 99, 100, 1_001, 9_999] {
            for count in 1...7 {
                let units = (0..<count).map { Money(fen: Int64(payable)).share(of: $0..<$0 + 1, in: count).fen }
                #expect(units.reduce(0, +) == Int64(payable))
                for cut in 0...count {
                    let lower = Money(fen: Int64(payable)).share(of: 0..<cut, in: count)
                    let upper = Money(fen: Int64(payable)).share(of: cut..<count, in: count)
                    #expect(lower.fen + upper.fen == Int64(payable))
                }
            }
        }
    }

    @Test func arithmeticThatOverflowsThrows() {
        #expect(throws: MoneyOverflow.self) { try Money(fen: .max).adding(Money(fen: 1)) }
        #expect(throws: MoneyOverflow.self) { try Money(fen: .min).subtracting(Money(fen: 1)) }
        #expect(throws: MoneyOverflow.self) { try Money(fen: .max / 2 + 1).multiplied(by: 2) }
        #expect(throws: MoneyOverflow.self) { try Money.sum([Money(fen: .max), Money(fen: 1)]) }
    }
}

/// SplitMix64, so that a failing case can be seen again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
