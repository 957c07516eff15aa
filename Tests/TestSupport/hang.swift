/// Does not return before the task is cancelled, as work does whose other end is silent.
///
/// - Throws: `CancellationError`, always.
public func hang() async throws -> Never {
    let (silence, open) = AsyncStream.makeStream(of: Never.self)
    for await _ in silence {}
    open.finish()
    throw CancellationError()
}
