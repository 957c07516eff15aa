import Model
import Postgres
import ServiceKit

/// How long what AfterSalesService keeps is kept.
enum Retention {
    /// The rules that the settings make.
    static func rules(
        _ configuration: ServiceConfiguration,
        pool: ConnectionPool,
        directory: CampusDirectory
    ) throws -> [RetentionRule] {
        let store = CaseErasureStore()
        let persons = try configuration[.personalDataRetention]
        return [
            RetentionRule(
                "cases",
                after: persons,
                of: "campus.cases",
                owner: .afterSales,
                pool: pool,
                directory: directory
            ) { campus, cases, _, session in
                try store.erase(cases, in: campus, session: session)
            }
        ]
    }
}
