import Model

/// One line of an inbox.
struct InboxItem: Hashable, Sendable {
    /// Its number; a recipient's numbers have no gaps.
    let seq: Int64
    /// The event that it tells of.
    let eventID: Int64
    /// What happened, by the event's type.
    let type: String
    /// What the words are made of.
    let data: JSON
    /// When it happened, in campus time.
    let occurredAt: Timestamp
    /// Whether the recipient has read it.
    let isRead: Bool

    /// The line as clients get it, with its words in every language.
    ///
    /// - `kind`: in which capacity it is read.
    /// - `epoch`: of which the cursor in it is.
    func json(for kind: RecipientKind, epoch: Int64) -> JSONObject {
        let text = NoticeText(type: type, for: kind, data: data)
        return [
            "seq": .integer(seq),
            "cursor": .string(InboxCursor(epoch: epoch, seq: seq).text),
            "event_id": .string(EventName(eventID).text),
            "type": .string(type),
            "title": text.title.json,
            "body": text.body.json,
            "data": data,
            "occurred_at": .string(occurredAt.rfc3339),
        ]
    }
}

/// The name by which the outside knows an event: in webhooks and inboxes alike.
struct EventName: Hashable, Sendable {
    /// The event's number in the log.
    let id: Int64

    private static let prefix = "evt_"

    /// The name of that event.
    init(_ id: Int64) {
        self.id = id
    }

    /// Reads the text form; nil for anything else.
    init?(_ text: String) {
        guard text.hasPrefix(Self.prefix), let id = Int64(text.dropFirst(Self.prefix.count)), id > 0,
            EventName(id).text == text
        else { return nil }
        self.id = id
    }

    /// For example `evt_1042`.
    var text: String { "\(Self.prefix)\(id)" }
}

/// What a recipient's counter says at one moment.
struct InboxState: Hashable, Sendable {
    /// The newest number, under the present epoch.
    let position: InboxCursor
    /// The oldest number still kept; nil when none is.
    let oldest: Int64?
    /// How many lines are not read.
    let unread: Int64
    /// Rises with every change of the counts.
    let version: Int64

    /// Where to go on from a position that a client gives.
    ///
    /// - Throws: why nothing follows from it.
    func resume(from position: InboxPosition) throws(ResyncReason) -> Int64 {
        let seq = try position.resume(against: self.position)
        guard seq == self.position.seq || (oldest ?? .max) <= seq + 1 else { throw .pruned }
        return seq
    }
}
