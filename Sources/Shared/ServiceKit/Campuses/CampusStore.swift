import Model
import Postgres

/// A campus as it is stored, before its timezone is looked up.
package struct StoredCampus: Sendable {
    let id: CampusID
    let code: String
    var name: String
    var timezone: String
    let isTest: Bool
    var settings: JSON
    /// Rises with each change.
    package internal(set) var version: Int64 = 1
}

/// Reads and writes campuses.
struct CampusStore: Sendable {
    func campus(_ id: CampusID, in session: borrowing Session) throws -> StoredCampus? {
        try session.first(
            "select \(Self.columns) from campus.campus where id = \(id)",
            Self.campus
        )
    }

    func campus(code: String, in session: borrowing Session) throws -> StoredCampus? {
        try session.first(
            "select \(Self.columns) from campus.campus where code = \(code)",
            Self.campus
        )
    }

    /// A campus, locked until the transaction ends.
    func lock(_ id: CampusID, in session: borrowing Session) throws -> StoredCampus? {
        try session.first("select \(Self.columns) from campus.campus where id = \(id) for update", Self.campus)
    }

    /// The campuses after a code, in the order of their codes.
    func campuses(after code: String? = nil, limit: Int, in session: borrowing Session) throws -> [StoredCampus] {
        var conditions: SQL = "true"
        if let code { conditions += " and code > \(code)" }
        return try session.query(
            "select \(Self.columns) from campus.campus where \(conditions) order by code limit \(rows: limit)",
            Self.campus
        )
    }

    /// Stores what was changed of a campus, with its version.
    func update(_ campus: StoredCampus, in session: borrowing Session) throws {
        try session.execute(
            """
            update campus.campus set name = \(campus.name), timezone = \(campus.timezone), settings = \(campus.settings),
                version = \(campus.version), updated_at = clock_timestamp()
            where id = \(campus.id)
            """
        )
    }

    /// Whether the database knows a timezone of that name.
    func knowsTimezone(_ name: String, in session: borrowing Session) throws -> Bool {
        try session.one("select exists (select from pg_timezone_names where name = \(name))") { try $0[0] }
    }

    /// Stores a new campus; false when there is one of its code.
    @discardableResult
    func insert(_ campus: StoredCampus, in session: borrowing Session) throws -> Bool {
        let isNew =
            try session.execute(
                """
                insert into campus.campus (id, code, name, timezone, is_test, settings)
                values (
                    \(campus.id), \(campus.code), \(campus.name), \(campus.timezone), \(campus.isTest), \(campus.settings)
                )
                on conflict (code) do nothing
                """
            ) == 1
        if isNew, campus.isTest {
            try session.execute("insert into campus.campus_clock (campus_id) values (\(campus.id))")
        }
        return isNew
    }

    /// How far the clocks of these test campuses were advanced, in microseconds; those not found were not.
    func clockOffsets(of campuses: [CampusID], in session: borrowing Session) throws -> [CampusID: Duration] {
        let rows = try session.query(
            """
            select campus_id, (extract(epoch from clock_offset) * 1000000)::bigint as microseconds
            from campus.campus_clock where campus_id = any (\(campuses))
            """
        ) { row in
            let id: CampusID = try row["campus_id"]
            let microseconds: Int64 = try row["microseconds"]
            return (id, Duration.microseconds(microseconds))
        }
        return Dictionary(rows) { first, _ in first }
    }

    func timezone(_ name: String, around time: Timestamp, in session: borrowing Session) throws -> CampusTimezone {
        let changes = try session.query(
            """
            select since, offset_seconds
            from campus.timezone_changes(\(name), \(time - .days(2 * 365)), \(time + .days(4 * 365)))
            """
        ) { row in
            let offset: Int32 = try row["offset_seconds"]
            return CampusTimezone.Change(since: try row["since"], offset: Int64(offset))
        }
        return CampusTimezone(name: name, changes: changes)
    }

    private static let columns: SQL = "id, code, name, timezone, is_test, settings, version"

    private static func campus(_ row: Row) throws -> StoredCampus {
        StoredCampus(
            id: try row["id"],
            code: try row["code"],
            name: try row["name"],
            timezone: try row["timezone"],
            isTest: try row["is_test"],
            settings: try row["settings"],
            version: try row["version"]
        )
    }
}
