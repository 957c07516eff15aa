/// What is known of a person is to be erased, as far as it was known when that was asked for.
///
/// It names the person by the platform's id and says nothing else of them.
public struct ErasureRequest: EventPayload {
    /// The request.
    public var id: ErasureID
    /// Whom it is about.
    public var party: Party
    /// When it was asked for, in campus time.
    public var requestedAt: Timestamp
    /// Whether its campus is a test campus.
    public var isTest: Bool

    /// That request.
    public init(id: ErasureID, party: Party, requestedAt: Timestamp, isTest: Bool) {
        self.id = id
        self.party = party
        self.requestedAt = requestedAt
        self.isTest = isTest
    }

    /// `party.erasure_requested`.
    public var type: EventType { .partyErasureRequested }

    /// As one flat object.
    public var json: JSON {
        [
            "erasure_id": .string(id.description),
            "kind": .string(party.kind.rawValue),
            "party_id": .string(party.id),
            "requested_at": .string(requestedAt.rfc3339),
            "test": .bool(isTest),
        ]
    }

    /// Reads what ``json`` writes.
    public init(type: EventType, json: JSON) throws(PayloadMismatch) {
        guard type == .partyErasureRequested else { throw PayloadMismatch(field: "type") }
        self.init(
            id: try json.requiredID("erasure_id"),
            party: Party(kind: try json.requiredEnum("kind"), id: try json.requiredString("party_id")),
            requestedAt: try json.requiredTimestamp("requested_at"),
            isTest: try json.requiredBool("test")
        )
    }
}
