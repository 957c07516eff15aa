import Model

/// A page's items, and where the list goes on.
public struct Listing<Item> {
    /// The items, in the order of the list.
    public let items: [Item]
    /// After which place there are more; nil at the end of the list.
    public let next: Cursor?

    /// These items; all there are when `next` is nil.
    public init(items: [Item], next: Cursor? = nil) {
        self.items = items
        self.next = next
    }

    /// The same page of what is made of the items.
    public func map<Other>(_ transform: (Item) throws -> Other) rethrows -> Listing<Other> {
        Listing<Other>(items: try items.map(transform), next: next)
    }
}

extension Listing: Sendable where Item: Sendable {}

extension Reply {
    /// 200 with a page of a list.
    public static func page<Item>(_ listing: Listing<Item>, _ json: (Item) throws -> JSON) rethrows -> Reply {
        .ok(["items": .array(try listing.items.map(json)), "next_cursor": .optional(listing.next?.text)])
    }
}
