import Model

/// How somebody is reached.
struct Contact: Hashable, Sendable {
    /// Somebody's id at one mini-program or official account of WeChat.
    struct OpenID: Hashable, Sendable {
        /// Which program or account.
        let appID: String
        /// Their id there.
        let value: String
    }

    /// Who.
    let party: Party
    /// Their number, with or without `+` and country.
    var phone: String?
    /// Their ids at WeChat, no two for one app.
    var openIDs: [OpenID]
    /// What they read.
    var language: Language?
    /// When the platform wrote it down.
    var updatedAt: Timestamp
    /// When everything known until then was erased.
    var erasedAt: Timestamp?

    /// The contact as it is told: whole, unless it is ``masked``.
    var json: JSON {
        [
            "kind": .string(party.kind.rawValue),
            "id": .string(party.id),
            "phone": .optional(phone),
            "openids": .array(openIDs.map(\.json)),
            "language": .optional(language?.rawValue),
            "updated_at": .string(updatedAt.rfc3339),
            "erased_at": .optional(erasedAt?.rfc3339),
        ]
    }
}

extension Contact.OpenID {
    /// As it is shown and sealed.
    var json: JSON { ["appid": .string(appID), "openid": .string(value)] }

    /// Reads ``json``.
    init?(json: JSON) {
        guard let appID = json["appid"]?.string, let value = json["openid"]?.string else { return nil }
        self.init(appID: appID, value: value)
    }
}
