/// Calls a closure, on a thread of its own, whenever the time it is set to has come.
final class Alarm: Sendable {
    private struct State {
        var deadline = MonotonicTime.distantFuture
        var isChanged = false
        var isStopped = false
    }

    private enum Event {
        case changed
        case stopped
    }

    private let state = Monitor(State())

    /// Starts the thread.
    ///
    /// - Returns: false when the system has no thread left.
    func start(_ ring: @escaping @Sendable () -> Void) -> Bool {
        NativeThread.start { [state] in
            var deadline = MonotonicTime.distantFuture
            while true {
                let event = state.wait(until: deadline) { state -> Event? in
                    if state.isStopped { return .stopped }
                    guard state.isChanged else { return nil }
                    state.isChanged = false
                    return .changed
                }
                switch event {
                case .stopped: return
                case .changed: deadline = state.withLock { $0.deadline }
                case nil:
                    deadline = .distantFuture
                    state.withLock { $0.deadline = .distantFuture }
                    ring()
                }
            }
        }
    }

    /// Makes it ring at `time`, unless it rings earlier anyhow.
    func ring(by time: MonotonicTime) {
        let isEarlier = state.withLock { state in
            guard time < state.deadline else { return false }
            state.deadline = time
            state.isChanged = true
            return true
        }
        if isEarlier { state.signal() }
    }

    /// Ends the thread.
    func stop() {
        state.withLock { $0.isStopped = true }
        state.broadcast()
    }
}
