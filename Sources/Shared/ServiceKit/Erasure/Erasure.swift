import Model

/// A request to erase what is known of somebody, and how far one service has got with it.
public struct Erasure: Hashable, Sendable {
    /// The request.
    public let id: ErasureID
    /// Where.
    public let campus: CampusID
    /// Whom it is about.
    public let party: Party
    /// When it was asked for, in campus time; what came later is not touched.
    public let requestedAt: Timestamp
    /// What the present round looked at last.
    public internal(set) var place: AnyID
    /// How many orders or cases the last round erased.
    public internal(set) var erased: Int64
    /// How many it passed over, because they have not come to their end.
    public internal(set) var waiting: Int64
    /// Until when something stays that money needs.
    public internal(set) var keepsUntil: Timestamp?
    /// When the service had done its part.
    public internal(set) var doneAt: Timestamp?

    /// Before the first.
    static let start = AnyID(high: 0, low: 0)
}

extension Erasure {
    /// A request of which nothing is done yet.
    public init(_ request: ErasureRequest, in campus: CampusID) {
        self.init(
            id: request.id,
            campus: campus,
            party: request.party,
            requestedAt: request.requestedAt,
            place: Self.start,
            erased: 0,
            waiting: 0
        )
    }
}
