import Model

/// A place in the log between two events, which a reader keeps and comes back with.
public struct FeedPosition: Hashable, Sendable {
    /// A part of what lies after a tick.
    struct Part: Hashable, Sendable {
        /// The tick up to which the part would be whole.
        let through: TickMark
        /// The event up to which it goes.
        let eventID: Int64
    }

    /// The tick up to which everything was read.
    let tick: TickMark
    /// What was read after it, if not whole ticks.
    let part: Part?

    init(tick: TickMark, part: Part? = nil) {
        self.tick = tick
        self.part = part
    }
}

extension FeedPosition: LosslessStringConvertible {
    /// The position as text: two or five numbers with dots, opaque to readers.
    public var description: String {
        var numbers = [tick.number, tick.recordedAt.microseconds]
        if let part { numbers += [part.through.number, part.through.recordedAt.microseconds, part.eventID] }
        return numbers.map(String.init).joined(separator: ".")
    }

    /// Reads the text form; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int64($0) }
        guard numbers.count == parts.count, numbers.allSatisfy({ $0 >= 0 }) else { return nil }
        func mark(_ index: Int) -> TickMark {
            TickMark(number: numbers[index], recordedAt: Timestamp(microseconds: numbers[index + 1]))
        }
        switch numbers.count {
        case 2: self.init(tick: mark(0))
        case 5 where numbers[2] > numbers[0] && numbers[4] > 0:
            self.init(tick: mark(0), part: Part(through: mark(2), eventID: numbers[4]))
        case _: return nil
        }
    }
}
