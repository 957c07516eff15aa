import Postgres

extension Measure {
    /// `select 1` through the client at 16 connections, over pgbench doing the same.
    static let clientQueries = Measure(name: "client: select 1") { bench in
        try await compare(bench, measure: "Postgres client: select 1", unit: "/s", script: "select 1;") { pool in
            _ = try await pool.autocommit { session in try session.one("select 1") { row -> Int32 in try row[0] } }
        }
    }

    /// Single-row commits through the client at 16 connections, over pgbench doing the same.
    static let clientCommits = Measure(name: "client: commits") { bench in
        try await compare(
            bench,
            measure: "Postgres client: single-row commits",
            unit: "/s",
            prepare: "create table entry (id bigint generated always as identity primary key, value bigint not null)",
            script: "insert into entry (value) values (42);",
            rows: "select count(*) from entry"
        ) { pool in
            let value: Int64 = 42
            _ = try await pool.autocommit { session in
                try session.execute("insert into entry (value) values (\(value))")
            }
        }
    }

    private static func compare(
        _ bench: Bench,
        measure: String,
        unit: String,
        prepare: String? = nil,
        script: String,
        rows: String? = nil,
        _ operation: @escaping @Sendable (ConnectionPool) async throws -> Void
    ) async throws -> [Row] {
        try await bench.withDatabase { database in
            if let prepare { _ = try await Command.run("psql", ["-qX", "-c", prepare, database.address().url]) }
            let limit = try await Pgbench(database: database.address())
                .run(script: script, clients: 16, seconds: bench.seconds)
            return try await database.withPool(size: 16) { pool in
                // Every connection is opened and has prepared the statement before the clock starts.
                _ = try await rate(of: operation, on: pool, connections: 16, for: .milliseconds(300))
                let before = ProcessorTime.now()
                let rate = try await rate(of: operation, on: pool, connections: 16, for: .seconds(bench.seconds))
                let processor = ProcessorTime.now().since(before)
                var note = limit.note
                if let rows {
                    let written = try await database.number(rows) - limit.transactions
                    note += "\nrows written: pgbench \(grouped(limit.transactions)), client \(grouped(written))"
                }
                return [
                    Row(
                        measure: measure,
                        rate: rate,
                        unit: unit,
                        limit: limit.rate,
                        limitName: "pgbench",
                        atLeast: 0.6,
                        processor: processor,
                        note: note
                    )
                ]
            }
        }
    }

    /// How often a second so many tasks in parallel get through the operation.
    private static func rate(
        of operation: @escaping @Sendable (ConnectionPool) async throws -> Void,
        on pool: ConnectionPool,
        connections: Int,
        for duration: Duration
    ) async throws -> Double {
        let start = ContinuousClock.now
        let total = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<connections {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now - start < duration {
                        try await operation(pool)
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        let elapsed = (ContinuousClock.now - start).components
        return Double(total) / (Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18)
    }
}
