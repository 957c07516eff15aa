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

    /// The timeline of the server that gave it out; see ``Timeline``.
    let timeline: Int64
    /// The tick up to which everything was read.
    let tick: TickMark
    /// By the server's clock: of events recorded before it, none is missing to who has read up to here, whether they are kept or not.
    let asOf: Timestamp
    /// What was read after the tick, if not whole ticks.
    let part: Part?

    init(timeline: Int64, tick: TickMark, asOf: Timestamp? = nil, part: Part? = nil) {
        self.timeline = timeline
        self.tick = tick
        self.asOf = asOf ?? tick.recordedAt
        self.part = part
    }

    /// Whether more of the log follows this position than the other.
    public func isEarlier(than other: FeedPosition) -> Bool {
        tick.number < other.tick.number
    }
}

extension FeedPosition: LosslessStringConvertible {
    /// The position as text: four or seven numbers with dots, opaque to readers.
    public var description: String {
        var numbers = [timeline, tick.number, tick.recordedAt.microseconds, asOf.microseconds]
        if let part { numbers += [part.through.number, part.through.recordedAt.microseconds, part.eventID] }
        return numbers.map(String.init).joined(separator: ".")
    }

    /// Reads the text form; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int64($0) }
        guard numbers.count == parts.count, numbers.allSatisfy({ $0 >= 0 }) else { return nil }
        func time(_ index: Int) -> Timestamp? {
            let time = Timestamp(microseconds: numbers[index])
            return time <= Self.endOfTime ? time : nil
        }
        func mark(_ index: Int) -> TickMark? {
            time(index + 1).map { TickMark(number: numbers[index], recordedAt: $0) }
        }
        guard numbers.count >= 4, let tick = mark(1), let asOf = time(3) else { return nil }
        switch numbers.count {
        case 4: self.init(timeline: numbers[0], tick: tick, asOf: asOf)
        case 7 where numbers[4] > tick.number && numbers[6] > 0:
            guard let through = mark(4) else { return nil }
            let part = Part(through: through, eventID: numbers[6])
            self.init(timeline: numbers[0], tick: tick, asOf: asOf, part: part)
        case _: return nil
        }
    }

    /// The end of the year 9999; what comes after it need not be a time that the server can read.
    private static let endOfTime = Timestamp(seconds: 253_402_300_799)
}
