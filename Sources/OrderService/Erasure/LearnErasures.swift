import EventLog
import Model
import Postgres
import ServiceKit

/// Takes requests to erase from the log, and has each done by a timer, in the transaction that moves the group's cursor.
struct LearnErasures: Sendable {
    /// The consumer group's name.
    static let group = "orders.erasure"

    private let erasures = ErasureStore(owner: .orders)
    private let timers = TimerStore(owner: .orders)

    /// Notes the requests that are new.
    ///
    /// - Returns: how many there are.
    func handle(_ events: [RecordedEvent], in session: borrowing Session) throws -> Int {
        let new = try erasures.record(try ErasureStore.requests(in: events), in: session)
        try timers.arm(new.map(EraseInRounds.firstRound), in: session)
        return new.count
    }
}
