import Synchronization

/// One open stream, between the hub that reads for it and the task that writes to its client.
///
/// It holds what one read brought at most: a client that reads slowly is read for slowly, because the inbox itself is the buffer.
final class StreamSubscription: Sendable {
    /// What the writing task does next.
    enum Step: Sendable, Equatable {
        /// Send these bytes and come back.
        case write([UInt8])
        /// Send a sign of life and come back.
        case heartbeat
        /// End the stream.
        case end
    }

    private struct State {
        /// Frames that are waiting to be taken.
        var pending: [UInt8] = []
        /// The newest number that was put into a frame.
        var seq: Int64
        var waiter: CheckedContinuation<Step, Never>?
        var isClosed = false
        /// Whether lines may stand after `seq` that nobody will hint at again.
        var isBehind = true
        /// When the writer was last given something to do, or the stream was opened; the writer is busy with it while it does not wait.
        var lastStep: ContinuousClock.Instant
        /// Breaks off the writer; nil until it has begun.
        var cut: (@Sendable () -> Void)?
    }

    /// Whose inbox it shows.
    let recipient: Recipient
    /// Who of the recipient's campus opened it, for the limit of streams for each.
    let owner: String
    /// Under which its numbers were given.
    let epoch: Int64
    /// When the client has to come back with its position.
    let endsAt: ContinuousClock.Instant
    private let state: Mutex<State>

    /// A stream that has shown everything up to `position`.
    ///
    /// - `greeting`: bytes to send first.
    init(
        recipient: Recipient,
        owner: String,
        position: InboxCursor,
        endsAt: ContinuousClock.Instant,
        greeting: [UInt8],
        now: ContinuousClock.Instant
    ) {
        self.recipient = recipient
        self.owner = owner
        epoch = position.epoch
        self.endsAt = endsAt
        state = Mutex(State(pending: greeting, seq: position.seq, lastStep: now))
    }

    /// The newest number that was put into a frame.
    var seq: Int64 { state.withLock(\.seq) }

    /// Says that somebody has come to write, and how to break that off.
    func begin(cut: @escaping @Sendable () -> Void) {
        state.withLock { $0.cut = cut }
    }

    /// Waits for bytes to send, or for the end; for one task at a time.
    func next() async -> Step {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let step: Step? = state.withLock { state in
                    if !state.pending.isEmpty {
                        defer { state.pending = [] }
                        state.lastStep = .now
                        return .write(state.pending)
                    }
                    if state.isClosed { return .end }
                    state.waiter = continuation
                    return nil
                }
                if let step { continuation.resume(returning: step) }
            }
        } onCancel: {
            close()
        }
    }

    /// The number to read on after; nil while what was read before has not been taken, or after the end.
    func wantsMore() -> Int64? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            guard state.pending.isEmpty else {
                state.isBehind = true
                return nil
            }
            return state.seq
        }
    }

    /// Whether to read on for this stream now that it has sent what it had; asking clears it.
    func takeBehind() -> Bool {
        state.withLock { state in
            defer { state.isBehind = false }
            return state.isBehind
        }
    }

    /// Hands over the frames of the lines that follow ``seq``, after ``wantsMore()`` said that it wants them.
    ///
    /// - `last`: the number of the last of them.
    /// - `isFull`: whether more lines may follow.
    func push(_ frames: [UInt8], upTo last: Int64, isFull: Bool, now: ContinuousClock.Instant) {
        let waiter = state.withLock { state -> CheckedContinuation<Step, Never>? in
            guard !state.isClosed else { return nil }
            state.seq = last
            if isFull { state.isBehind = true }
            guard let waiter = state.waiter.take() else {
                state.pending = frames
                return nil
            }
            state.lastStep = now
            return waiter
        }
        waiter?.resume(returning: .write(frames))
    }

    /// Whether nobody has come back, or come at all, for what there is to do since `limit`.
    func isStuck(for limit: Duration, now: ContinuousClock.Instant) -> Bool {
        state.withLock { $0.waiter == nil && now - $0.lastStep >= limit }
    }

    /// Sends a heartbeat when nothing was sent for `interval` and the writer is idle.
    func beat(every interval: Duration, now: ContinuousClock.Instant) {
        let waiter = state.withLock { state -> CheckedContinuation<Step, Never>? in
            guard now - state.lastStep >= interval, let waiter = state.waiter.take() else { return nil }
            state.lastStep = now
            return waiter
        }
        waiter?.resume(returning: .heartbeat)
    }

    /// Ends the stream once what is pending was taken.
    func close() {
        let waiter = state.withLock { state -> CheckedContinuation<Step, Never>? in
            state.isClosed = true
            guard let waiter = state.waiter.take() else { return nil }
            state.lastStep = .now
            return waiter
        }
        waiter?.resume(returning: .end)
    }

    /// Ends the stream at once, whatever its writer is busy with.
    func cut() {
        close()
        state.withLock { $0.cut.take() }?()
    }
}
