import Foundation
import Model

/// A campus made for a measure, as an operator would make it, and a key to it.
struct BenchCampus: Sendable {
    let id: CampusID
    let key: String

    /// Creates the campus `bench`, which is not a test campus, and a key that may do everything.
    static func create(on database: BenchDatabase) async throws -> BenchCampus {
        let service = "\(database.bench.executables)/OrderService"
        let environment = ["MIGRATION_DATABASE_URL": database.address().url, "LOG_LEVEL": "warning"]
        _ = try await Command.run(
            service,
            ["campus", "create", "--code", "bench", "--name", "Bench"],
            environment: environment
        )
        let issued = try await Command.run(
            service,
            ["key", "issue", "--campus", "bench", "--name", "bench"],
            environment: environment
        )
        let id = try await Command.run(
            "psql",
            ["-qXAt", "-c", "select id from campus.campus where code = 'bench'", database.address().url]
        )
        guard let campus = CampusID(id.trimmingCharacters(in: .whitespacesAndNewlines)),
            let key = issued.split(whereSeparator: \.isWhitespace).first(where: { $0.hasPrefix("ck_") })
        else { throw CommandFailure(program: "OrderService", status: 0, output: issued) }
        return BenchCampus(id: campus, key: String(key))
    }
}
