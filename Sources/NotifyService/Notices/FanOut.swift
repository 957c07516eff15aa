import EventLog
import Model
import Postgres

/// Turns a batch of events into inbox lines and webhook deliveries, in the transaction that moves the group's cursor.
struct FanOut: Sendable {
    /// What a batch came to, for those who are to hear of it once it is committed.
    struct Effect: Hashable, Sendable {
        /// Whose inboxes advanced, and how far.
        let advanced: [InboxPlace]
        /// How many deliveries are owed that were not before.
        let owed: Int
    }

    private let inbox = InboxStore()
    private let endpoints = WebhookEndpointStore()
    private let deliveries = WebhookDeliveryStore()

    /// The consumer group's name.
    static let group = "notify-fan-out"

    /// Files and owes what the events call for.
    ///
    /// Counters are locked last, as everywhere.
    func handle(_ events: [RecordedEvent], in session: borrowing Session) throws -> Effect {
        let published = events.filter { !PublishedEvent.ownTypes.contains($0.type) }
        var notices: [(event: RecordedEvent, notice: Notice)] = []
        for event in published {
            if let notice = try Notice(of: event) { notices.append((event, notice)) }
        }
        let subscriptions = try endpoints.subscriptions(of: Set(published.map(\.campus)), in: session)
        let owed = try deliveries.owe(published, to: subscriptions, in: session)
        return Effect(advanced: try inbox.file(notices, in: session), owed: owed)
    }
}

/// Whose inboxes advanced in one campus, as ``InboxStore/file(_:in:)`` tells all instances.
struct InboxAnnouncement: Hashable, Sendable {
    /// The newest number of each.
    let places: [InboxPlace]

    /// Reads `{"places": [[kind, id, seq], …]}`, passing over kinds of recipients that are not known here.
    init(json: JSON, campus: CampusID) {
        places = (json["places"]?.array ?? []).compactMap { entry in
            guard let fields = entry.array, fields.count == 3,
                let kind = fields[0].string.flatMap(RecipientKind.init(rawValue:)),
                let id = fields[1].string, let seq = fields[2].integer
            else { return nil }
            return InboxPlace(recipient: Recipient(campus: campus, kind: kind, id: id), seq: seq)
        }
    }
}
