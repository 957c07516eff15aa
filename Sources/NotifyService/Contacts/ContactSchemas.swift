import Model
import ServiceKit

/// The shapes of contacts in requests and answers.
enum ContactSchemas {
    /// What the platform says of somebody named in the path.
    static let contact = JSONSchema.object(name: "ContactFacts", facts)

    /// Several people with what the platform says of each.
    static let batch = JSONSchema.object(
        name: "ContactBatch",
        [
            .required(
                "contacts",
                .array(of: .object(name: "NamedContact", name + facts), count: 1...batchLimit),
                "No party may appear twice."
            )
        ]
    )

    /// The most contacts in one request.
    static let batchLimit = 1_000

    /// A contact as it stands.
    static let stored = JSONSchema.object(
        name: "Contact",
        name + [
            .required("phone", .nullable(.string(length: 1...16)), "Masked, for example `138****8000`."),
            .required("openids", .array(of: maskedOpenID, count: 0...20)),
            .required("language", .nullable(.enumeration(of: Language.self))),
            .required("updated_at", .timestamp, "When the platform wrote it down."),
            .required("erased_at", .nullable(.timestamp), "When everything known until then was erased."),
        ]
    )

    /// What became of a batch.
    static let outcome = JSONSchema.object(
        name: "ContactsStored",
        [
            .required("stored", .integer(0...Int64(batchLimit)), "How many stand now."),
            .required("outdated", .integer(0...Int64(batchLimit)), "How many were older than what stands."),
        ]
    )

    private static let name: [JSONSchema.Member] = [
        .required("kind", .enumeration(of: PartyKind.self)),
        .required("id", .actorID, "The platform's id of them."),
    ]

    private static let facts: [JSONSchema.Member] = [
        .optional("phone", .nullable(.string(length: 6...16, pattern: phonePattern)), "For example `+8613800138000`."),
        .optional("openids", .array(of: openID, count: 0...20), "At most one for each app."),
        .optional("language", .nullable(.enumeration(of: Language.self)), "What they read."),
        .optional(
            "updated_at",
            .timestamp,
            "When you wrote it down, now if not told: what is older never replaces what is newer."
        ),
    ]

    private static let openID = JSONSchema.object(
        name: "OpenID",
        [
            .required("appid", .string(length: 1...64, pattern: .visibleASCII)),
            .required("openid", .string(length: 1...64, pattern: .visibleASCII)),
        ]
    )

    private static let maskedOpenID = JSONSchema.object(
        name: "MaskedOpenID",
        [
            .required("appid", .string(length: 1...64)),
            .required("openid", .string(length: 1...64), "Masked: its first characters and `…`."),
        ]
    )

    private static let phonePattern = StringPattern(
        expression: "^\\+?[0-9]{6,15}$",
        meaning: "be 6 to 15 digits, with or without + before them"
    ) { text in
        let digits = text.hasPrefix("+") ? text.utf8.dropFirst() : text.utf8[...]
        return (6...15).contains(digits.count) && digits.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// A page of what is held of somebody.
    static let export = JSONSchema.page(
        name: "ContactExport",
        of: .object(
            name: "ContactExportItem",
            [
                .required("section", .enumeration(of: ContactExport.Section.self)),
                .required(
                    "data",
                    .map(of: .any),
                    "A contact with number and openids whole, or a line of the inbox with its words."
                ),
            ]
        )
    )
}
