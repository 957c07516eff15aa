extension Sequence where Element: Sendable {
    /// What the transformation makes of each element, in their order, a few of them made at a time.
    func map<Result: Sendable>(
        atOnce limit: Int,
        _ transform: @escaping @Sendable (Element) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results: [(index: Int, result: Result)] = []
            for (index, element) in enumerated() {
                if index >= limit, let result = try await group.next() { results.append(result) }
                group.addTask { (index, try await transform(element)) }
            }
            for try await result in group { results.append(result) }
            return results.sorted { $0.index < $1.index }.map(\.result)
        }
    }
}
