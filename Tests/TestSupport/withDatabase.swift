/// Lends a migrated database of its own to `body`, and drops it afterwards.
///
/// - Throws: what `body` throws.
public func withDatabase<Value>(
    isolation: isolated (any Actor)? = #isolation,
    _ body: (TestDatabase) async throws -> Value
) async throws -> Value {
    try await withDatabase(migrated: true, body)
}

/// Lends an empty database of its own to `body`, and drops it afterwards.
///
/// - Throws: what `body` throws.
public func withEmptyDatabase<Value>(
    isolation: isolated (any Actor)? = #isolation,
    _ body: (TestDatabase) async throws -> Value
) async throws -> Value {
    try await withDatabase(migrated: false, body)
}

private func withDatabase<Value>(
    isolation: isolated (any Actor)? = #isolation,
    migrated: Bool,
    _ body: (TestDatabase) async throws -> Value
) async throws -> Value {
    let cluster = try await SharedCluster.running.value
    let database = try await cluster.lease(migrated: migrated)
    do {
        let value = try await body(database)
        await cluster.end(database)
        return value
    } catch {
        await cluster.end(database)
        throw error
    }
}
