import Logging
import Model
import Postgres
import ServiceKit
import ServiceLifecycle
import Synchronization

/// How streams behave.
struct StreamLimits: Sendable {
    /// A comment is sent when nothing else was for this long.
    var heartbeat = Duration.seconds(20)
    /// A stream ends after about this long, and its client comes back.
    var rotation = Duration.seconds(600)
    /// How far the end is moved at random, to either side, so that clients do not come back at once.
    var rotationJitter = 0.1
    /// A client that does not take what it is sent for this long is let go.
    var writeTimeout = Duration.seconds(30)
    /// How often all of that is looked at.
    var sweep = Duration.milliseconds(250)
    /// How long a client should wait before it comes back.
    var retry = Duration.seconds(1)
    /// The most lines read for one stream at once.
    var batch = 64
    /// The most recipients read for at once.
    var recipientsPerRead = 256
    /// The most open streams of one principal.
    var perOwner = 10
    /// The most open streams of this process; one campus may have three quarters of them.
    var total = 20_000

    /// Room for as many as may be open.
    var slots: Slots { Slots(perOwner: perOwner, total: total) }

    /// How long the next stream may live.
    ///
    /// - `credential`: how long the credential still holds that opens it; nil when it does not end by itself.
    /// - `random`: a number in 0..<1.
    func lifetime(credential: Duration?, random: Double) -> Duration {
        let lifetime = rotation * (1 - rotationJitter + 2 * rotationJitter * random)
        return credential.map { min($0, lifetime) } ?? lifetime
    }
}

/// A number in somebody's inbox.
struct InboxPlace: Hashable, Sendable {
    /// Whose inbox.
    let recipient: Recipient
    /// The number; 0 stands before the first line.
    let seq: Int64
}

/// Reads for all open streams of this process at once.
///
/// Whoever files lines, here or in another process, says whose inbox advanced. What is told is only a hint: the hub reads what
/// stands after each stream's own position, in one statement for as many recipients as advanced since the last.
final class StreamHub: Service, Sendable {
    /// Reads the lines that follow each position, at most so many for each, in the order asked for.
    typealias Read = @Sendable ([InboxPlace], Int) async throws -> InboxLines

    private struct State {
        var streams: [Recipient: [StreamSubscription]] = [:]
        var count = 0
        /// Recipients that advanced since they were last read for.
        var advanced: Set<Recipient> = []
    }

    let limits: StreamLimits
    private let slots: Slots
    private let read: Read
    private let logger: Logger
    private let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// A hub that reads by `read`.
    ///
    /// - `slots`: shared with others whose clients wait too; nil when it has all that `limits` allow to itself.
    init(limits: StreamLimits, slots: Slots? = nil, logger: Logger, read: @escaping Read) {
        self.limits = limits
        self.slots = slots ?? limits.slots
        self.logger = logger
        self.read = read
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How many streams are open.
    var openStreams: Int { state.withLock(\.count) }

    private var allStreams: [StreamSubscription] { state.withLock { $0.streams.values.flatMap(\.self) } }

    /// Streams whose client has taken nothing for `limit`, or had left before the answer began.
    func stuckStreams(for limit: Duration, now: ContinuousClock.Instant) -> [StreamSubscription] {
        allStreams.filter { $0.isStuck(for: limit, now: now) }
    }

    /// Opens a stream that continues after `position`, which must have been read before.
    ///
    /// - `owner`: who of the recipient's campus opens it, for ``StreamLimits/perOwner``.
    /// - `greeting`: bytes to send first.
    /// - `lifetime`: when it ends at the latest.
    func open(
        _ recipient: Recipient,
        owner: String,
        after position: InboxCursor,
        greeting: [UInt8],
        lifetime: Duration
    ) throws(Slots.Refusal) -> StreamSubscription {
        try slots.take(for: owner, in: recipient.campus)
        let now = ContinuousClock.now
        let stream = StreamSubscription(
            recipient: recipient,
            owner: owner,
            position: position,
            endsAt: now + lifetime,
            greeting: greeting,
            now: now
        )
        state.withLock { state in
            state.count += 1
            state.streams[recipient, default: []].append(stream)
        }
        return stream
    }

    /// Forgets a stream whose client is gone.
    func remove(_ stream: StreamSubscription) {
        stream.close()
        let isRemoved = state.withLock { state in
            guard let index = state.streams[stream.recipient]?.firstIndex(where: { $0 === stream }) else {
                return false
            }
            state.streams[stream.recipient]?.remove(at: index)
            if state.streams[stream.recipient]?.isEmpty == true { state.streams[stream.recipient] = nil }
            state.count -= 1
            return true
        }
        if isRemoved { slots.giveBack(of: stream.owner, in: stream.recipient.campus) }
    }

    /// Takes in up to which number inboxes advanced; those that no stream shows, or shows already, cost nothing.
    func advance(_ advances: some Sequence<InboxPlace>) {
        let isNew = state.withLock { state in
            guard state.count > 0 else { return false }
            var isNew = false
            for advance in advances {
                guard let streams = state.streams[advance.recipient], streams.contains(where: { $0.seq < advance.seq })
                else { continue }
                state.advanced.insert(advance.recipient)
                isNew = true
            }
            return isNew
        }
        if isNew { wake.yield() }
    }

    /// Says that `stream` has sent what it had, or was just opened; reads on where more is waiting.
    func refill(_ stream: StreamSubscription) {
        guard stream.takeBehind() else { return }
        state.withLock { state in _ = state.advanced.insert(stream.recipient) }
        wake.yield()
    }

    /// Has every stream read for, after hints may have been lost.
    func advanceAll() {
        let isNew = state.withLock { state in
            state.advanced.formUnion(state.streams.keys)
            return !state.advanced.isEmpty
        }
        if isNew { wake.yield() }
    }

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.readOn() }
            group.addTask { await self.sweepOn() }
            try? await gracefulShutdown()
            group.cancelAll()
        }
    }

    private func readOn() async {
        for await _ in wakes {
            while let due = takeDue(), !Task.isCancelled {
                do {
                    try await read(due)
                } catch {
                    state.withLock { $0.advanced.formUnion(due) }
                    logger.record(.streamReadFailed, error: error)
                    try? await Task.sleep(for: limits.sweep)
                }
            }
        }
    }

    /// Reads for all of them at once; for each alone when there is a line among theirs that cannot be shown.
    ///
    /// - Throws: what says nothing about any line.
    private func read(_ due: [Recipient]) async throws {
        do {
            try await readOnce(due)
        } catch  where Self.isAboutLine(error) {
            guard let only = due.first, due.count == 1 else {
                for recipient in due { try await read([recipient]) }
                return
            }
            logger.record(
                .streamLineUnreadable,
                [.campus: .id(only.campus), .recipientKind: .string(only.kind.rawValue)],
                error: error
            )
            for stream in state.withLock({ $0.streams[only] ?? [] }) { stream.close() }
        }
    }

    private static func isAboutLine(_ error: any Error) -> Bool {
        switch error {
        case PostgresError.decoding, is ServerSentEvent.UnsafeField: true
        default: false
        }
    }

    private func takeDue() -> [Recipient]? {
        state.withLock { state in
            guard !state.advanced.isEmpty else { return nil }
            let due = Array(state.advanced.prefix(limits.recipientsPerRead))
            state.advanced.subtract(due)
            return due
        }
    }

    private func readOnce(_ due: [Recipient]) async throws {
        // Streams of one recipient that stand at the same number are read for once.
        var positions: [InboxPlace: [StreamSubscription]] = [:]
        for (recipient, streams) in state.withLock({ state in due.map { ($0, state.streams[$0] ?? []) } }) {
            for stream in streams {
                guard let seq = stream.wantsMore() else { continue }
                positions[InboxPlace(recipient: recipient, seq: seq), default: []].append(stream)
            }
        }
        guard !positions.isEmpty else { return }
        let asked = Array(positions.keys)
        let lines = try await read(asked, limits.batch)
        let now = ContinuousClock.now
        for (position, items) in zip(asked, lines.items) {
            guard let first = items.first, let last = items.last, let streams = positions[position] else { continue }
            let frames = try Self.frames(items, for: position.recipient.kind, epoch: lines.epoch)
            for stream in streams {
                guard stream.epoch == lines.epoch, first.seq == position.seq + 1 else {
                    // The stream's numbers mean nothing any more; its client comes back and is told so.
                    stream.close()
                    continue
                }
                stream.push(frames, upTo: last.seq, isFull: items.count == limits.batch, now: now)
            }
        }
    }

    private static func frames(_ items: [InboxItem], for kind: RecipientKind, epoch: Int64) throws -> [UInt8] {
        var frames: [UInt8] = []
        for item in items {
            frames += try ServerSentEvent.message(
                id: InboxCursor(epoch: epoch, seq: item.seq).text,
                event: item.type,
                data: JSON.object(item.json(for: kind, epoch: epoch)).serialized()
            )
        }
        return frames
    }

    private func sweepOn() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: limits.sweep) } catch { return }
            let now = ContinuousClock.now
            for stream in stuckStreams(for: limits.writeTimeout, now: now) {
                remove(stream)
                stream.cut()
            }
            for stream in allStreams {
                if stream.endsAt <= now {
                    stream.close()
                } else {
                    stream.beat(every: limits.heartbeat, now: now)
                }
            }
        }
    }
}

/// Lines read for several positions at once.
struct InboxLines: Sendable {
    /// Under which the numbers are given.
    let epoch: Int64
    /// For each position asked for, the lines that follow it.
    let items: [[InboxItem]]
}
