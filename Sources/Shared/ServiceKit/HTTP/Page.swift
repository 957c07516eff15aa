import Model

/// Where a list goes on, and how much of it to send.
public struct Page: Sendable {
    /// The most items a page holds.
    public static let largestLimit = 100
    /// The items of a page when `limit` is not given.
    public static let standardLimit = 50

    /// How many items at most.
    public let limit: Int
    /// After which item to go on; nil at the beginning.
    public let cursor: Cursor?

    /// Reads `limit` and `cursor` of a call; a cursor that is not one of ours is a fault.
    public init(_ call: Call) throws(Problem) {
        limit = call.query["limit"]?.integer.map { Int($0) } ?? Self.standardLimit
        guard let text = call.query["cursor"]?.string else {
            cursor = nil
            return
        }
        guard let cursor = Cursor(text) else {
            throw Self.foreign
        }
        self.cursor = cursor
    }

    /// After which time and id to go on, in a list that is ordered by them; nil at the beginning.
    ///
    /// - Throws: a fault when the cursor says something else, or a time that nothing here can have.
    public func timeAndID<Subject>(
        of subject: Subject.Type = Subject.self
    ) throws(Problem) -> (time: Timestamp, id: ID<Subject>)? {
        guard let cursor else { return nil }
        guard let place = cursor.timeAndID(of: subject), Self.times.contains(place.time) else { throw Self.foreign }
        return place
    }

    /// This page of a list.
    ///
    /// - `rows`: in the order of the list, and one more than ``limit`` when there are that many.
    public func cut<Item>(_ rows: [Item], after place: (Item) -> Cursor) -> Listing<Item> {
        let items = Array(rows.prefix(limit))
        return Listing(items: items, next: rows.count > limit ? items.last.map(place) : nil)
    }

    /// From 1970 to the end of 9999.
    static let times = Timestamp(seconds: 0)...Timestamp(seconds: 253_402_300_799)
    /// A cursor of another list.
    public static let foreign = Problem.validation([Fault("/cursor", "is not a cursor of this list", in: .query)])
}

/// A place in a list, opaque to the client: the values that order the list, of the last item sent.
///
/// It is not signed: the query that uses it still sees only what the caller may see.
public struct Cursor: Hashable, Sendable {
    /// The ordering values.
    public let values: [JSON]

    /// A place after an item with these ordering values.
    public init(_ values: [JSON]) {
        self.values = values
    }

    /// Reads what ``text`` wrote; nil for anything else.
    public init?(_ text: String) {
        guard let bytes = Base64URL.decode(text), let json = try? JSON(parsing: bytes), let values = json.array,
            !json.holdsNUL
        else { return nil }
        self.values = values
    }

    /// The text that is sent.
    public var text: String { Base64URL.encode(JSON.array(values).serialized()) }

    /// The ordering values of a list in the order of time and id, as most are; nil when they are something else.
    func timeAndID<Subject>(of subject: Subject.Type = Subject.self) -> (time: Timestamp, id: ID<Subject>)? {
        guard values.count == 2, let time = values[0].integer, let text = values[1].string, let id = ID<Subject>(text)
        else {
            return nil
        }
        return (Timestamp(microseconds: time), id)
    }

    /// A place in a list in the order of time and id.
    public init<Subject>(time: Timestamp, id: ID<Subject>) {
        self.init([.integer(time.microseconds), .string(id.description)])
    }
}
