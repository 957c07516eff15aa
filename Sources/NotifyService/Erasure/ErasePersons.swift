import EventLog
import Model
import Postgres
import ServiceKit

/// Erases what this service holds of people who are to be forgotten, in the transaction that moves the group's cursor.
///
/// That is how they are reached, and their inbox. What others were told in words about an order goes with that order; and what
/// happened before the request and is read after it is not filed at all.
struct ErasePersons: Sendable {
    /// The consumer group's name.
    static let group = "notify.erasure"

    let clock: any WallClock
    private let erasures = ErasureStore(owner: .notifications)
    private let contacts = ContactStore()
    private let inbox = InboxStore()

    /// Notes by that clock when it was done.
    init(clock: any WallClock) {
        self.clock = clock
    }

    /// Erases for each request that is new.
    ///
    /// Counters are locked last, as everywhere.
    ///
    /// - Returns: the requests that were done.
    func handle(_ events: [RecordedEvent], in session: borrowing Session) throws -> [ErasureRequest] {
        let new = try erasures.record(try ErasureStore.requests(in: events), doneAt: clock.now(), in: session)
        guard !new.isEmpty else { return [] }
        try contacts.erase(new, in: session)
        try inbox.erase(new.map { Recipient($0.request.party, in: $0.campus) }, in: session)
        return new.map(\.request)
    }
}
