import EventLog
import Model
import Postgres

/// Turns a batch of events into inbox lines and webhook deliveries, in the transaction that moves the group's cursor.
struct FanOut: Sendable {
    private let inbox = InboxStore()
    private let endpoints = WebhookEndpointStore()
    private let deliveries = WebhookDeliveryStore()
    private let notifications = EventStore(stream: .notifications)

    /// The consumer group's name.
    static let group = "notify-fan-out"

    /// Who appends to the stream that wakes other instances.
    private static let actor = Actor.system("notify")

    /// Files and owes what the events call for.
    ///
    /// Counters are locked last, as everywhere; only the wake-up for other instances, which locks nothing, follows.
    ///
    /// - Returns: whose inboxes advanced, and how far.
    func handle(_ events: [RecordedEvent], in session: borrowing Session) throws -> [InboxPlace] {
        let published = events.filter { EventType(rawValue: $0.type)?.isPublic ?? true }
        var notices: [(event: RecordedEvent, notice: Notice)] = []
        for event in published {
            if let notice = try Notice(of: event) { notices.append((event, notice)) }
        }
        let subscriptions = try endpoints.subscriptions(of: Set(published.map(\.campus)), in: session)
        if !subscriptions.isEmpty { try deliveries.owe(published, to: subscriptions, in: session) }
        let advanced = try inbox.file(notices, in: session)
        if let newest = events.last { try announce(advanced, at: newest.recordedAt, in: session) }
        return advanced
    }

    private func announce(_ advanced: [InboxPlace], at time: Timestamp, in session: borrowing Session) throws {
        let byCampus = Dictionary(grouping: advanced, by: \.recipient.campus)
        try notifications.append(
            byCampus.map { campus, places in
                let batch = AnyID.make(at: time)
                return NewEvent(
                    type: .inboxAdvanced,
                    campus: campus,
                    subject: batch,
                    version: 1,
                    root: batch,
                    actor: Self.actor,
                    at: time,
                    payload: InboxAnnouncement(places: places).json
                )
            },
            in: session
        )
    }
}

/// Whose inboxes advanced in one campus, as one instance tells the others.
struct InboxAnnouncement: Hashable, Sendable {
    /// The newest number of each.
    let places: [InboxPlace]

    /// Those numbers.
    init(places: [InboxPlace]) {
        self.places = places
    }

    /// Reads what ``json`` writes, passing over kinds of recipients that are not known here.
    init(json: JSON, campus: CampusID) {
        places = (json["places"]?.array ?? []).compactMap { entry in
            guard let fields = entry.array, fields.count == 3,
                let kind = fields[0].string.flatMap(RecipientKind.init(rawValue:)),
                let id = fields[1].string, let seq = fields[2].integer
            else { return nil }
            return InboxPlace(recipient: Recipient(campus: campus, kind: kind, id: id), seq: seq)
        }
    }

    /// `{"places": [[kind, id, seq], …]}`.
    var json: JSON {
        let entries = places.map { place -> JSON in
            [.string(place.recipient.kind.rawValue), .string(place.recipient.id), .integer(place.seq)]
        }
        return ["places": .array(entries)]
    }
}
