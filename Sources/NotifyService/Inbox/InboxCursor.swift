/// A place in one recipient's inbox: everything up to number `seq` was seen.
///
/// Numbers are handed out under the timeline of the Postgres that holds them. After a failover that lost commits the same
/// numbers are given again to other events, on a new timeline; a cursor of another epoch therefore proves nothing.
struct InboxCursor: Hashable, Sendable {
    /// The Postgres timeline.
    let epoch: Int64
    /// The last number seen; 0 before the first.
    let seq: Int64

    /// The text form, `epoch-seq`, for example `1-42`.
    var text: String { "\(epoch)-\(seq)" }
}

/// What a client says it has seen.
enum InboxPosition: Hashable, Sendable {
    /// A cursor that was given out.
    case cursor(InboxCursor)
    /// A bare number, which is taken to be of the present epoch.
    case number(Int64)

    /// Reads `epoch-seq` or a bare `seq`, digits only, each within 64 bits.
    init?(_ text: String) {
        guard text.utf8.count <= 40 else { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part -> Int64? in
            guard part.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
            return Int64(part)
        }
        guard numbers.count == parts.count else { return nil }
        switch numbers.count {
        case 1: self = .number(numbers[0])
        case 2: self = .cursor(InboxCursor(epoch: numbers[0], seq: numbers[1]))
        default: return nil
        }
    }

    /// The last number seen, as the client has it.
    var seq: Int64 {
        switch self {
        case .cursor(let cursor): cursor.seq
        case .number(let number): number
        }
    }

    /// The number to go on after, when this position can be resumed exactly.
    ///
    /// - `current`: the newest number of the recipient, under the present epoch.
    ///
    /// Throws the reason why nothing follows from this position.
    func resume(against current: InboxCursor) throws(ResyncReason) -> Int64 {
        if case .cursor(let cursor) = self, cursor.epoch != current.epoch { throw .epoch }
        guard seq <= current.seq else { throw .ahead }
        return seq
    }
}

/// Why a client has to load its state anew instead of going on from where it was.
enum ResyncReason: String, Error, Hashable, Sendable {
    /// Its position is of another epoch, or cannot be read.
    case epoch
    /// Its position lies past the newest number.
    case ahead
    /// What follows its position is no longer kept.
    case pruned
}
