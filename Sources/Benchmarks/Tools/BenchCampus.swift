import Foundation
import Model

/// A campus made for a measure, as an operator would make it, and a key to it.
struct BenchCampus: Sendable {
    let id: CampusID
    let key: String

    /// A brake that never grips: the measure is of cases that rules decide.
    private static let settings = """
        {"brake_campus_10min_fen": 1000000000, "brake_merchant_day_fen": 1000000000, "brake_customer_day_fen": 1000000000}
        """

    /// Creates a campus and a key that may do everything; only a test campus has the sandbox channel.
    static func create(
        on database: BenchDatabase,
        code: String = "bench",
        isTest: Bool = false
    ) async throws -> BenchCampus {
        let service = "\(database.bench.executables)/OrderService"
        let environment = ["MIGRATION_DATABASE_URL": database.address().url, "LOG_LEVEL": "warning"]
        let created = try await Command.run(
            service,
            ["campus", "create", "--code", code, "--name", code, "--settings", settings]
                + (isTest ? ["--test"] : []),
            environment: environment
        )
        let issued = try await Command.run(
            service,
            ["key", "issue", "--campus", code, "--name", code],
            environment: environment
        )
        guard let campus = created.split(whereSeparator: \.isWhitespace).compactMap({ CampusID(String($0)) }).first,
            let key = issued.split(whereSeparator: \.isWhitespace).first(where: { $0.hasPrefix("ck_") })
        else { throw CommandFailure(program: "OrderService", status: 0, output: issued) }
        return BenchCampus(id: campus, key: String(key))
    }
}
