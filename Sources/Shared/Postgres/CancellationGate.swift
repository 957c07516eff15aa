/// Lets a task's cancellation reach the statement that runs for it, and no other.
///
/// A cancel travels on a connection of its own and takes effect on whatever the backend runs when it arrives. The gate
/// therefore knows for whom the connection works, and does not let it go while a cancel is under way.
final class CancellationGate: Sendable {
    private struct State {
        /// For whom the connection works, or last worked.
        var owner: UInt64 = 0
        /// Whether it works for the owner, and a cancel may be sent.
        var isOpen = false
        /// Whom a cancel has been asked for.
        var cancelled: UInt64?
        /// Whether a thread is sending cancels.
        var isSending = false
        var key: CancelKey?
    }

    private let state = Monitor(State())

    /// Sets what cancels the connection; nil when there is none any more.
    func use(_ key: CancelKey?) {
        state.withLock { $0.key = key }
    }

    /// Starts to work for `owner`.
    func open(for owner: UInt64) {
        state.withLock { state in
            state.owner = owner
            state.isOpen = true
        }
    }

    /// Whether the owner has been cancelled while the gate is open.
    var isCancelled: Bool {
        state.withLock { $0.isOpen && $0.cancelled == $0.owner }
    }

    /// Cancels the work for `owner`, now or as soon as it starts; nothing happens if it has ended.
    func cancel(_ owner: UInt64) {
        let key = state.withLock { state -> CancelKey? in
            guard owner > state.owner || owner == state.owner && state.isOpen else { return nil }
            state.cancelled = owner
            guard owner == state.owner, !state.isSending, let key = state.key else { return nil }
            state.isSending = true
            return key
        }
        guard let key else { return }
        let state = self.state
        let isStarted = NativeThread.start {
            var pause = Duration.milliseconds(20)
            var isWanted = true
            // A cancel that arrives between two statements is ignored by the server, so it is repeated while there is need.
            while isWanted {
                key.cancel()
                isWanted = state.wait(until: .now + pause) { $0.isOpen ? nil : false } ?? true
                pause = min(pause * 2, .seconds(1))
            }
            state.withLock { $0.isSending = false }
            state.broadcast()
        }
        if !isStarted { state.withLock { $0.isSending = false } }
    }

    /// Ends what may be cancelled, and waits until no cancel is under way.
    ///
    /// - Parameter limit: the longest wait.
    /// - Returns: whether no cancel is under way, without which the connection must not be used again; and whether the owner
    ///   was cancelled before the end.
    func close(within limit: Duration) -> (isQuiet: Bool, wasCancelled: Bool) {
        let (isSending, wasCancelled) = state.withLock { state in
            defer { state.isOpen = false }
            return (state.isSending, state.isOpen && state.cancelled == state.owner)
        }
        if !isSending { return (true, wasCancelled) }
        state.broadcast()
        let isQuiet = state.wait(until: .now + limit) { $0.isSending ? nil : true } ?? false
        return (isQuiet, wasCancelled)
    }

    /// Asks the server to stop what nobody waits for any more; the connection is given up whatever comes of it.
    func cancelAbandoned() {
        guard let key = state.withLock({ $0.key }) else { return }
        _ = NativeThread.start { key.cancel() }
    }
}
