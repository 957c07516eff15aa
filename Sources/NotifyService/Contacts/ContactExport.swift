import Model
import Postgres
import ServiceKit

/// Everything that this service holds of somebody, page by page: their contact, then the lines of their inbox.
struct ContactExport: Sendable {
    /// The parts of an export, in their order.
    enum Section: String, CaseIterable, Hashable, Sendable {
        case contact
        case inbox
    }

    /// Something that is held.
    struct Item: Sendable {
        let section: Section
        let data: JSON

        /// As it is shown.
        var json: JSON { ["section": .string(section.rawValue), "data": data] }
    }

    let vault: Vault
    private let contacts = ContactStore()
    private let inbox = InboxStore()

    /// Opens contacts with `vault`.
    init(vault: Vault) {
        self.vault = vault
    }

    /// A page.
    ///
    /// - Throws: a problem when the page's cursor is not one of an export; ``Vault/Fault``.
    func page(
        of party: Party,
        in campus: CampusID,
        _ page: Page,
        session: borrowing Session
    ) throws -> (items: [Item], next: Cursor?) {
        var items: [Item] = []
        let place = try Self.place(page)
        if place == nil, let sealed = try contacts.find(party, in: campus, session: session) {
            items.append(Item(section: .contact, data: try vault.open(sealed, in: campus).json))
        }
        let recipient = Recipient(party, in: campus)
        let room = page.limit - items.count
        let (state, lines) = try inbox.read(.after(place ?? 0), of: recipient, limit: room + 1, in: session)
        let shown = lines.prefix(room)
        items += shown.map { line in
            var data = line.json(for: recipient.kind, epoch: state.position.epoch)
            data["read"] = .bool(line.isRead)
            return Item(section: .inbox, data: .object(data))
        }
        return (items, lines.count > room ? Cursor([.integer(shown.last?.seq ?? 0)]) : nil)
    }

    /// The number of the last line sent, 0 after the contact alone; nil at the beginning.
    private static func place(_ page: Page) throws(Problem) -> Int64? {
        guard let cursor = page.cursor else { return nil }
        guard cursor.values.count == 1, let seq = cursor.values[0].integer, seq >= 0 else { throw Page.foreign }
        return seq
    }
}

extension Recipient {
    /// Whose inbox it is: a shop's, not that of one who works there.
    init(_ party: Party, in campus: CampusID) {
        let kind: RecipientKind =
            switch party.kind {
            case .customer: .customer
            case .merchant: .merchant
            case .rider: .rider
            }
        self.init(campus: campus, kind: kind, id: party.id)
    }
}
