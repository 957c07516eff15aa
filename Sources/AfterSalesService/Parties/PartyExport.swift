import Model
import Postgres
import ServiceKit

/// Everything that is held of somebody but how they are reached, page by page: what rules may know, then orders, cases and refunds.
struct PartyExport: Sendable {
    /// The parts of an export, in their order.
    enum Section: String, CaseIterable, Hashable, Sendable {
        case party
        case order
        case aCase = "case"
        case refund

        /// What comes after it.
        var next: Section? {
            switch self {
            case .party: .order
            case .order: .aCase
            case .aCase: .refund
            case .refund: nil
            }
        }
    }

    /// Something that is held.
    struct Item: Sendable {
        let section: Section
        /// What orders it in its section.
        let id: AnyID
        let data: JSON

        /// As it is shown.
        var json: JSON { ["section": .string(section.rawValue), "data": data] }
    }

    /// Where a page goes on.
    private struct Place {
        var section: Section
        var id: AnyID

        static let start = AnyID(high: 0, low: 0)
    }

    private let parties = PartyStore()
    private let store = PartyExportStore()

    /// A page.
    ///
    /// - Throws: a problem when the page's cursor is not one of an export.
    func page(
        of party: Party,
        in campus: CampusID,
        _ page: Page,
        session: borrowing Session
    ) throws -> Listing<Item> {
        var place = try Self.place(page)
        var items: [Item] = []
        while items.count < page.limit {
            let found = try read(place, of: party, in: campus, limit: page.limit - items.count, session: session)
            items += found
            if items.count == page.limit, let last = found.last {
                let next = Cursor([.string(last.section.rawValue), .string(last.id.description)])
                return Listing(items: items, next: next)
            }
            guard let next = place.section.next else { break }
            place = Place(section: next, id: Place.start)
        }
        return Listing(items: items)
    }

    private func read(
        _ place: Place,
        of party: Party,
        in campus: CampusID,
        limit: Int,
        session: borrowing Session
    ) throws -> [Item] {
        switch place.section {
        case .party:
            guard place.id == Place.start, let facts = try parties.find(party, in: campus, session: session) else {
                return []
            }
            return [Item(section: .party, id: AnyID(high: .max, low: .max), data: facts.json)]
        case .order: return try store.orders(of: party, in: campus, after: place.id, limit: limit, session: session)
        case .aCase: return try store.cases(of: party, in: campus, after: place.id, limit: limit, session: session)
        case .refund: return try store.refunds(of: party, in: campus, after: place.id, limit: limit, session: session)
        }
    }

    private static func place(_ page: Page) throws(Problem) -> Place {
        guard let cursor = page.cursor else { return Place(section: .party, id: Place.start) }
        guard cursor.values.count == 2, let section = cursor.values[0].string.flatMap(Section.init(rawValue:)),
            let id = cursor.values[1].string.flatMap({ AnyID($0) })
        else { throw Page.foreign }
        return Place(section: section, id: id)
    }
}
