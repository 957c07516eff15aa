import Model
import ServiceKit

/// The shapes of parties in requests and answers.
enum PartySchemas {
    /// The most parties in one request.
    static let batchLimit = 1_000

    /// What the platform says of somebody named in the path.
    static let facts = JSONSchema.object(name: "PartyFacts", members)

    /// Several parties with what the platform says of each.
    static let batch = JSONSchema.object(
        name: "PartyBatch",
        [
            .required(
                "parties",
                .array(of: .object(name: "NamedParty", name + members), count: 1...batchLimit),
                "No party may appear twice."
            )
        ]
    )

    /// A party as it stands.
    static let stored = JSONSchema.object(
        name: "Party",
        name + [
            .required("registered_at", .nullable(.timestamp)),
            .required("member_tier", .nullable(tier)),
            .required("building", .nullable(label)),
            .required("minor", .nullable(.boolean)),
            .required("name", .nullable(label)),
            .required("opening_hours", .nullable(openingHours)),
            .required("updated_at", .timestamp, "When the platform wrote it down."),
            .required("erased_at", .nullable(.timestamp), "When everything known until then was erased."),
        ]
    )

    /// What became of a batch.
    static let outcome = JSONSchema.object(
        name: "PartiesStored",
        [
            .required("stored", .integer(0...Int64(batchLimit)), "How many stand now."),
            .required("outdated", .integer(0...Int64(batchLimit)), "How many were older than what stands."),
        ]
    )

    /// How far an erasure has got.
    static let erasure = JSONSchema.object(
        name: "PartyErasure",
        [
            .required("erasure_id", .id),
            .required("kind", .enumeration(of: PartyKind.self)),
            .required("id", .actorID),
            .required("requested_at", .timestamp, "What came later is not touched."),
            .required("status", .enumeration(["pending", "done"]), "`done` when all services have done their part."),
            .required(
                "services",
                .array(
                    of: .object(
                        name: "ServiceErasure",
                        [
                            .required(
                                "service",
                                .enumeration(["order_service", "after_sales_service", "notify_service"])
                            ),
                            .required("status", .enumeration(["pending", "waiting", "done"])),
                            .required(
                                "waiting",
                                .integer(0...Int64.max),
                                "How many orders or cases have not come to their end and are erased after it."
                            ),
                            .required(
                                "keeps_until",
                                .nullable(.timestamp),
                                "Until when payers' ids at their channel stay, because refunds need them."
                            ),
                            .required("done_at", .nullable(.timestamp)),
                        ]
                    ),
                    count: 3...3
                )
            ),
        ]
    )

    /// A page of what is held of somebody.
    static let export = JSONSchema.page(
        name: "PartyExport",
        of: .object(
            name: "PartyExportItem",
            [
                .required("section", .enumeration(of: PartyExport.Section.self)),
                .required("data", .map(of: .any), "A party, an order, a case or a refund with all that is held of it."),
            ]
        )
    )

    /// The members that mean nothing of a party of that kind.
    static func foreignMembers(of kind: PartyKind) -> [String] {
        switch kind {
        case .customer: ["name", "opening_hours"]
        case .merchant: ["member_tier", "building", "minor"]
        case .rider: ["member_tier", "building", "minor", "opening_hours"]
        }
    }

    private static let name: [JSONSchema.Member] = [
        .required("kind", .enumeration(of: PartyKind.self)),
        .required("id", .actorID, "The platform's id of them."),
    ]

    private static let members: [JSONSchema.Member] = [
        .optional("registered_at", .nullable(.timestamp), "Since when they have been with the platform."),
        .optional(
            "member_tier",
            .nullable(tier),
            "Of customers. Decisions show it; it never changes an amount."
        ),
        .optional("building", .nullable(label), "Of customers: where they live, not their address."),
        .optional("minor", .nullable(.boolean), "Of customers: whether they are under age."),
        .optional("name", .nullable(label), "Of merchants and riders."),
        .optional("opening_hours", .nullable(openingHours), "Of merchants, in the campus's local time."),
        .optional(
            "updated_at",
            .timestamp,
            "When you wrote it down, now if not told: what is older never replaces what is newer."
        ),
    ]

    private static let tier = JSONSchema.string(length: 1...32, pattern: .identifier)
    private static let label = JSONSchema.string(length: 1...128, pattern: .name)
    private static let openingHours = JSONSchema.array(of: CampusCalendar.hoursSchema, count: 0...40)
}
