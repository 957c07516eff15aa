import Model
import Postgres

extension Administration {
    /// What a campus is created with.
    package struct NewCampus: Hashable, Sendable {
        let code: String
        let isTest: Bool
        let terms: CampusTerms

        /// A code, whether it is a test campus, and what can be changed of it later.
        init(code: String, isTest: Bool, terms: CampusTerms) {
            self.code = code
            self.isTest = isTest
            self.terms = terms
        }

        /// What a request says.
        package init(json: JSON) {
            code = json["code"]?.string ?? ""
            isTest = json["is_test"]?.bool ?? false
            terms = CampusTerms(json: json)
        }

        private static let code = JSONSchema.string(
            length: 2...32,
            pattern: StringPattern(
                expression: "^[a-z][a-z0-9_-]*$",
                meaning: "begin with a lower-case letter and consist of these, digits, - and _"
            ) { code in
                guard let first = code.utf8.first, (0x61...0x7a).contains(first) else { return false }
                return code.utf8.allSatisfy { byte in
                    (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d || byte == 0x5f
                }
            }
        )

        /// What such a request must have.
        package static let members: [JSONSchema.Member] =
            [
                .required("code", code, "Its short name, unique for ever, which tokens may name it by."),
                .required(
                    "is_test",
                    .boolean,
                    "Whether its clock can be advanced and its money is play money; for ever."
                ),
            ] + CampusTerms.members
            + [.optional("settings", CampusSettings.schema, "What is missing has its default.")]

        /// Everything that is wrong with it.
        func faults(in session: borrowing Session) throws -> [Fault] {
            try Self.code.validate(.string(code)).map { Fault("/code", $0.detail) } + terms.faults(in: session)
        }
    }

    /// Creates a campus, as operators do.
    ///
    /// - Throws: a ``Problem`` with every fault at once, or `campus-code-taken`.
    static func createCampus(
        _ new: NewCampus,
        by administrator: Administrator,
        at now: Timestamp,
        in session: borrowing Session
    ) throws -> StoredCampus {
        let faults = try new.faults(in: session)
        guard faults.isEmpty else { throw Problem.validation(faults) }
        return try store(new, by: administrator, at: now, in: session)
    }

    /// Creates another campus and issues its first key, as platforms do.
    ///
    /// It is noted there as everything that is done to a campus, and here with that campus's id.
    ///
    /// - `key`: may do no more than the administrator.
    /// - `secret`: a new one, which the caller shows once.
    /// - Throws: a ``Problem`` with every fault at once, `campus-code-taken`, or `forbidden` when the key could do more.
    package func createCampus(
        _ new: NewCampus,
        key: KeyTerms,
        secret: PlatformKeySecret,
        in session: borrowing Session
    ) throws -> (campus: StoredCampus, key: PlatformKeyRecord) {
        try administrator.requireHaving(key.scopes)
        let faults =
            try new.faults(in: session) + key.faults(at: now).map { Fault("/key" + $0.pointer, $0.detail) }
        guard faults.isEmpty else { throw Problem.validation(faults) }
        let created = try Self.store(new, by: administrator, at: now, in: session)
        let issued = try Administration(of: created.id, by: administrator, at: now)
            .issueKey(key, secret: secret, in: session)
        let identity: JSON = ["id": .string(created.id.description), "code": .string(created.code)]
        try note("campus.created", created.code, after: identity, in: session)
        return (created, issued)
    }

    /// A page of all campuses, in the order of their codes.
    package static func campuses(
        _ page: Page,
        in session: borrowing Session
    ) throws -> Listing<StoredCampus> {
        var code: String?
        if let cursor = page.cursor {
            guard cursor.values.count == 1, let text = cursor.values[0].string else { throw Page.foreign }
            code = text
        }
        let rows = try CampusStore().campuses(after: code, limit: page.limit + 1, in: session)
        return page.cut(rows) { Cursor([.string($0.code)]) }
    }

    private static func store(
        _ new: NewCampus,
        by administrator: Administrator,
        at now: Timestamp,
        in session: borrowing Session
    ) throws -> StoredCampus {
        let campus = StoredCampus(
            id: CampusID.make(at: now),
            code: new.code,
            name: new.terms.name,
            timezone: new.terms.timezone,
            isTest: new.isTest,
            settings: new.terms.settings
        )
        guard try CampusStore().insert(campus, in: session) else {
            throw Problem(.campusCodeTaken, "There is a campus with this code.")
        }
        try Administration(of: campus.id, by: administrator, at: now)
            .note("campus.created", campus.code, after: campus.json, in: session)
        return campus
    }
}
