import Model
import Postgres
import Schema

/// Whether the service can work: the database is reachable and its schema is one that this program works with.
struct Readiness: Sendable {
    let pool: ConnectionPool

    /// Why it cannot; nil when it can.
    ///
    /// An unreachable database throws, as it does for every request.
    func reason() async throws -> String? {
        do {
            try await Schema.check(pool)
            return nil
        } catch let error as SchemaError {
            switch error {
            case .missing, .outdated: return "The database has not been migrated to this version."
            case .incompatible: return "The database needs a newer version of this service."
            case .edited, .notPermitted, .failed: return "The database's schema is not in order."
            }
        }
    }
}

extension SchemaError: SafelyDescribedError {}
