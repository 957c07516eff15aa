import Model
import ServiceKit

/// What rules may know of somebody; what was not told is nil.
struct PartyFacts: Hashable, Sendable {
    /// Who.
    let party: Party
    /// Since when they have been with the platform.
    var registeredAt: Timestamp?
    /// A customer's tier: decisions show it, and it never changes an amount.
    var memberTier: String?
    /// Where a customer lives.
    var building: String?
    /// Whether a customer is a minor.
    var isMinor: Bool?
    /// What a merchant or rider is called.
    var name: String?
    /// When a merchant is open, as ``PartySchemas`` has it.
    var openingHours: JSON?
    /// When the platform wrote it down.
    var updatedAt: Timestamp
    /// When everything known until then was erased.
    var erasedAt: Timestamp?

    /// The facts as they are shown.
    var json: JSON {
        [
            "kind": .string(party.kind.rawValue),
            "id": .string(party.id),
            "registered_at": .optional(registeredAt?.rfc3339),
            "member_tier": .optional(memberTier),
            "building": .optional(building),
            "minor": isMinor.map(JSON.bool) ?? .null,
            "name": .optional(name),
            "opening_hours": openingHours ?? .null,
            "updated_at": .string(updatedAt.rfc3339),
            "erased_at": .optional(erasedAt?.rfc3339),
        ]
    }
}

extension PartyFacts {
    /// Reads what a request says of somebody.
    ///
    /// - Parameters:
    ///   - json: fits ``PartySchemas/facts``.
    ///   - party: whom it is about.
    ///   - pointer: where it lies in the body.
    ///   - now: campus time.
    ///   - faults: gets what the schema cannot say.
    init(_ json: JSON, of party: Party, at pointer: String = "", now: Timestamp, _ faults: inout [Fault]) {
        for member in PartySchemas.foreignMembers(of: party.kind) where json[member].map({ !$0.isNull }) ?? false {
            faults.append(Fault("\(pointer)/\(member)", "is not known of a \(party.kind.rawValue)"))
        }
        let updatedAt = json["updated_at"]?.string.flatMap(Timestamp.init(rfc3339:)) ?? now
        if let detail = updatedAt.faultOfReport(now: now) { faults.append(Fault("\(pointer)/updated_at", detail)) }
        self.init(
            party: party,
            registeredAt: json["registered_at"]?.string.flatMap(Timestamp.init(rfc3339:)),
            memberTier: json["member_tier"]?.string,
            building: json["building"]?.string,
            isMinor: json["minor"]?.bool,
            name: json["name"]?.string,
            openingHours: json["opening_hours"].flatMap { $0.isNull ? nil : $0 },
            updatedAt: updatedAt,
            erasedAt: nil
        )
        if let registeredAt, registeredAt > now + .seconds(60) {
            faults.append(Fault("\(pointer)/registered_at", "lies ahead"))
        }
    }
}
