import Model
import Postgres

extension Administration {
    /// What administrators may change of a campus.
    package struct CampusTerms: Hashable, Sendable {
        let name: String
        let timezone: String
        let settings: JSON

        /// What a request says: `name` and `timezone`, and `settings` in full; what is not in these has its default.
        package init(json: JSON) {
            name = json["name"]?.string ?? ""
            timezone = json["timezone"]?.string ?? ""
            settings = json["settings"] ?? .object([:])
        }

        /// These terms.
        init(name: String, timezone: String, settings: JSON) {
            self.name = name
            self.timezone = timezone
            self.settings = settings
        }

        private static let name = JSONSchema.string(length: 1...200, pattern: .name)

        /// The name and the timezone, as every request has them.
        static let members: [JSONSchema.Member] = [
            .required("name", name, "For people."),
            .required("timezone", .string(length: 1...64, pattern: .visibleASCII), "In the IANA database."),
        ]

        /// What such a request must look like.
        package static let schema = JSONSchema.object(
            name: "CampusTerms",
            members + [.required("settings", CampusSettings.schema, "All of them: what is missing has its default.")]
        )

        /// Everything that is wrong with them.
        func faults(in session: borrowing Session) throws -> [Fault] {
            var faults = Self.name.validate(.string(name)).map { Fault("/name", $0.detail) }
            do {
                _ = try CampusSettings(json: settings)
            } catch {
                faults += error.faults.map { Fault("/settings" + $0.pointer, $0.detail) }
            }
            if !(try CampusStore().knowsTimezone(timezone, in: session)) {
                faults.append(Fault("/timezone", "is not a timezone of the IANA database"))
            }
            return faults
        }
    }

    /// Changes what a campus is called, its timezone and its settings.
    ///
    /// - `check`: throws when the present version is not the one that the administrator knows.
    /// - Throws: a ``Problem`` with every fault at once.
    package func changeCampus(
        to terms: CampusTerms,
        check: (_ version: Int64) throws -> Void,
        in session: borrowing Session
    ) throws -> StoredCampus {
        guard var stored = try CampusStore().lock(campus, in: session) else { throw Problem.notFound }
        try check(stored.version)
        let faults = try terms.faults(in: session)
        guard faults.isEmpty else { throw Problem.validation(faults) }
        let before = stored.changeable
        stored.name = terms.name
        stored.timezone = terms.timezone
        stored.settings = terms.settings
        stored.version += 1
        try CampusStore().update(stored, in: session)
        try note("campus.changed", stored.code, before: before, after: stored.changeable, in: session)
        return stored
    }

    /// The campus as administrators see it.
    package static func campus(_ id: CampusID, in session: borrowing Session) throws -> StoredCampus {
        guard let stored = try CampusStore().campus(id, in: session) else { throw Problem.notFound }
        return stored
    }
}

extension StoredCampus {
    /// What administrators may change, as it is set.
    fileprivate var changeable: JSON {
        ["name": .string(name), "timezone": .string(timezone), "settings": settings]
    }

    /// Everything about it, with the defaults of what it does not set.
    package var json: JSON {
        [
            "id": .string(id.description), "code": .string(code), "is_test": .bool(isTest), "name": .string(name),
            "timezone": .string(timezone),
            "settings": ((try? CampusSettings(json: settings)) ?? CampusSettings()).json,
        ]
    }

    /// What ``json`` looks like.
    package static let schema = JSONSchema.object(
        name: "CampusProfile",
        [
            .required("id", .id),
            .required("code", .string(length: 2...32), "Its short name, which never changes."),
            .required("is_test", .boolean, "Whether its clock can be advanced and its money is play money."),
            .required("name", .string(length: 1...200)),
            .required("timezone", .string(length: 1...64)),
            .required("settings", CampusSettings.schema, "Defaults included."),
        ]
    )
}
