import Synchronization

/// A flag that one task waits for and anybody may raise; raising it twice before it is seen is raising it once.
///
/// It says that there may be something to do, not what: whoever waits looks for itself.
public final class Wakeup: Sendable {
    private struct State {
        var isRaised = false
        var waiter: (number: UInt64, continuation: UnsafeContinuation<Void, Never>)?
        var lastNumber: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Makes a flag that is not raised.
    public init() {}

    /// Raises the flag, and wakes whoever waits for it.
    public func raise() {
        let waiter = state.withLock { state in
            state.isRaised = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.continuation.resume()
    }

    /// Waits until the flag is raised, then lowers it; one task at a time.
    ///
    /// - Parameter limit: the longest wait.
    /// - Returns: whether it was raised.
    /// - Throws: `CancellationError`; the flag then stays as it is.
    public func wait(atMost limit: Duration) async throws -> Bool {
        if lower() { return true }
        if limit <= .zero {
            try Task.checkCancellation()
            return false
        }
        await withTaskGroup { group in
            group.addTask { await self.waitUntilRaised() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        try Task.checkCancellation()
        return lower()
    }

    private func lower() -> Bool {
        state.withLock { state in
            defer { state.isRaised = false }
            return state.isRaised
        }
    }

    private func waitUntilRaised() async {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let displaced = state.withLock { state -> UnsafeContinuation<Void, Never>? in
                    // Looked at under the lock that the handler takes: a cancellation is seen here, or finds the waiter.
                    if state.isRaised || Task.isCancelled { return continuation }
                    defer { state.waiter = (number, continuation) }
                    return state.waiter?.continuation
                }
                displaced?.resume()
            }
        } onCancel: {
            let waiter = state.withLock { state -> UnsafeContinuation<Void, Never>? in
                guard let waiter = state.waiter, waiter.number == number else { return nil }
                state.waiter = nil
                return waiter.continuation
            }
            waiter?.resume()
        }
    }
}
