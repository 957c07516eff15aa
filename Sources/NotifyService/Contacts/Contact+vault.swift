import Model

/// How somebody is reached, as the database keeps it: what identifies them is sealed.
struct SealedContact: Sendable {
    /// Who.
    let party: Party
    /// The sealed number.
    let phone: [UInt8]?
    /// The sealed ids at WeChat.
    let openIDs: [UInt8]?
    /// What they read.
    let language: Language?
    /// When the platform wrote it down.
    let updatedAt: Timestamp
    /// When everything known until then was erased.
    let erasedAt: Timestamp?
}

extension Vault {
    /// Seals a contact for its row.
    func seal(_ contact: Contact, in campus: CampusID) throws -> SealedContact {
        let openIDs = contact.openIDs.isEmpty ? nil : JSON.array(contact.openIDs.map(\.json)).serialized()
        return SealedContact(
            party: contact.party,
            phone: try contact.phone.map { try seal(Array($0.utf8), for: .phone, of: contact.party, campus) },
            openIDs: try openIDs.map { try seal($0, for: .openIDs, of: contact.party, campus) },
            language: contact.language,
            updatedAt: contact.updatedAt,
            erasedAt: contact.erasedAt
        )
    }

    /// Opens a contact of that campus.
    func open(_ sealed: SealedContact, in campus: CampusID) throws(Fault) -> Contact {
        var contact = Contact(
            party: sealed.party,
            phone: nil,
            openIDs: [],
            language: sealed.language,
            updatedAt: sealed.updatedAt,
            erasedAt: sealed.erasedAt
        )
        if let phone = sealed.phone {
            contact.phone = String(decoding: try open(phone, for: .phone, of: sealed.party, campus), as: UTF8.self)
        }
        if let openIDs = sealed.openIDs {
            let bytes = try open(openIDs, for: .openIDs, of: sealed.party, campus)
            contact.openIDs = ((try? JSON(parsing: bytes))?.array ?? []).compactMap(Contact.OpenID.init(json:))
        }
        return contact
    }

    private enum Column: String {
        case phone
        case openIDs = "openids"
    }

    private func seal(_ bytes: [UInt8], for column: Column, of party: Party, _ campus: CampusID) throws -> [UInt8] {
        try seal(bytes, for: Self.place(column, party, campus))
    }

    private func open(
        _ bytes: [UInt8],
        for column: Column,
        of party: Party,
        _ campus: CampusID
    ) throws(Fault) -> [UInt8] {
        try open(bytes, for: Self.place(column, party, campus))
    }

    private static func place(_ column: Column, _ party: Party, _ campus: CampusID) -> Place {
        [campus.description, "contact", party.kind.rawValue, party.id, column.rawValue]
    }
}
