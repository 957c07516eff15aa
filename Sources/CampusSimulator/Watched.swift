import Synchronization

/// Plain state behind a lock, which others can wait for to be as they want it.
final class Watched<State: Sendable>: Sendable {
    private struct Waiter {
        let isSatisfied: @Sendable (State) -> Bool
        let continuation: AsyncStream<Void>.Continuation
    }

    private struct Content {
        var state: State
        var waiters: [Waiter] = []
    }

    private let content: Mutex<Content>

    init(_ state: State) {
        content = Mutex(Content(state: state))
    }

    /// The state as it is now.
    var value: State { content.withLock(\.state) }

    /// Changes or reads the state, then lets go whoever waited for what it has become.
    @discardableResult
    func update<Result: Sendable>(_ change: (inout State) -> Result) -> Result {
        let (result, satisfied) = content.withLock { content in
            let result = change(&content.state)
            let state = content.state
            let satisfied = content.waiters.filter { $0.isSatisfied(state) }
            if !satisfied.isEmpty { content.waiters.removeAll { $0.isSatisfied(state) } }
            return (result, satisfied)
        }
        for waiter in satisfied { waiter.continuation.finish() }
        return result
    }

    /// Waits until the state is as wanted.
    ///
    /// - Returns: Whether it was before `timeout`.
    func wait(atMost timeout: Duration, until isSatisfied: @escaping @Sendable (State) -> Bool) async -> Bool {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        content.withLock { content in
            if isSatisfied(content.state) {
                continuation.finish()
            } else {
                content.waiters.append(Waiter(isSatisfied: isSatisfied, continuation: continuation))
            }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in stream {} }
            group.addTask { try? await Task.sleep(for: timeout) }
            await group.next()
            group.cancelAll()
        }
        return isSatisfied(value)
    }
}
