import ArgumentParser
import UnixSignals

/// Runs the body until it ends or somebody interrupts it: then it is cancelled, tidies up, and the exit code says so.
func untilInterrupted<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let work = Task { try await body() }
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    let watching = Task {
        for await _ in signals { work.cancel() }
    }
    defer { watching.cancel() }
    do {
        return try await work.value
    } catch  where work.isCancelled {
        // As shells tell it: 128 and the number of SIGINT.
        throw ExitCode(130)
    }
}
