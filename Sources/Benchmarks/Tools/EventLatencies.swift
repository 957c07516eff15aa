import Foundation
import Model

/// How long events take to where they are wanted, from two beginnings.
struct EventLatencies: Sendable {
    /// From the moment before the commit is sent: what is promised, and the commit itself.
    let sinceCommit = Latencies<AnyID>()
    /// From when the event was due: what it waited for before it could be appended, too.
    let sinceDue = Latencies<AnyID>()

    /// Marks that the event of that subject has arrived.
    func end(_ subject: AnyID) {
        sinceCommit.end(subject)
        sinceDue.end(subject)
    }

    /// How many have arrived.
    var count: Int { sinceCommit.count }

    /// How many arrived that were never sent, or arrived twice.
    var faults: Int { sinceCommit.unmatched + sinceDue.unmatched }

    /// What the reader should know beside the percentile of that share.
    func note(at share: Double) -> String {
        let due = String(format: "%.2f", sinceDue.percentiles.milliseconds(at: share))
        return "\(grouped(count)) events at 500/s; from when each was due: \(due) ms"
    }
}
