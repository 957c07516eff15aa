import Logging
import Model
import Postgres
import ServiceLifecycle
import Synchronization

/// Reads events in order, together with the other instances of the same name, and handles each exactly once.
///
/// The shards are divided among the instances by leases. Effects and cursor move in one transaction, so whatever crashes, an event's effect is
/// in the database once. A batch that fails is run again event by event: the one that fails is parked with the later ones of its
/// root, the others go on.
public final class ConsumerGroup<Effect: Sendable>: Service {
    /// Handles a batch in its transaction: events of many roots, those of each in order.
    ///
    /// It may run more than once for the same events, so it changes nothing but the database, and tells the rest by its result.
    public typealias Handler = @Sendable (borrowing Session, [RecordedEvent]) throws -> Effect

    /// The group's name, the same in all instances.
    public let name: String
    let batches: BatchReader
    let handle: Handler
    let afterCommit: @Sendable (Effect) async -> Void
    let pool: ConnectionPool
    let options: ConsumerOptions
    let logger: Logger
    private let streams: [EventStream]
    private let wakeup: Wakeup
    private let ticker: Ticker?
    private let stop = Wakeup()
    private let isStopping = Atomic(false)

    /// Describes an instance of a group.
    ///
    /// - Parameters:
    ///   - name: the group's name; its cursors are kept under it.
    ///   - owner: the service that runs it, in whose tables they are kept.
    ///   - streams: what it reads, in one order by one cursor.
    ///   - pool: where its transactions run.
    ///   - wakeup: a signal of its own for the streams' channels; without it, it polls.
    ///   - ticker: told after each commit, because handlers append events.
    ///   - options: how it reads.
    ///   - logger: where it logs.
    ///   - handle: runs in the transaction.
    ///   - afterCommit: gets the handler's result once it is committed; not again after a crash in between.
    public init(
        name: String,
        owner: EventStream,
        streams: [EventStream],
        pool: ConnectionPool,
        wakeup: Wakeup = Wakeup(),
        ticker: Ticker? = nil,
        options: ConsumerOptions = ConsumerOptions(),
        logger: Logger,
        handle: @escaping Handler,
        afterCommit: @escaping @Sendable (Effect) async -> Void = { _ in }
    ) {
        self.name = name
        self.streams = streams
        self.pool = pool
        self.wakeup = wakeup
        self.ticker = ticker
        self.options = options
        var logger = logger
        logger[metadataKey: "consumer"] = .string(name)
        self.logger = logger
        self.handle = handle
        self.afterCommit = afterCommit
        batches = BatchReader(
            cursors: CursorStore(
                consumer: name,
                member: "\(name)-\(String(UInt64.random(in: .min ... .max), radix: 16))",
                owner: owner,
                lease: options.lease
            ),
            parked: ParkedEventStore(owner: owner),
            streams: streams,
            limit: options.batchLimit
        )
    }

    /// Looks at once, for example because parked events are to be replayed.
    public func hint() {
        wakeup.raise()
    }

    /// How far the group, all instances together, is behind.
    public func lag() async throws -> ConsumerLag {
        try await pool.autocommit { try self.batches.cursors.lag(in: $0) }
    }

    /// Consumes until shut down; then finishes the batch in hand and gives its shards back.
    public func run() async throws {
        await withGracefulShutdownHandler {
            await consumeUntilStopped()
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .relaxed)
            self.wakeup.raise()
            self.stop.raise()
        }
    }

    private func consumeUntilStopped() async {
        var state = ConsumerState()
        while !isStopping.load(ordering: .relaxed), !Task.isCancelled {
            do {
                try await step(&state)
            } catch {
                if Task.isCancelled { break }
                logger.report(.warning, "consumer.failed", "A batch failed, trying again", error: error)
                _ = try? await stop.wait(atMost: state.failed())
            }
        }
        await resign(state)
    }

    /// Does one thing: renews leases, handles a batch, or waits.
    private func step(_ state: inout ConsumerState) async throws {
        if !state.isRegistered {
            try await pool.transaction {
                try self.batches.cursors.register(self.streams, start: self.options.start, in: $0)
            }
            state.isRegistered = true
        }
        if state.isRenewalDue {
            try await renew(&state)
        }
        if state.held.isEmpty {
            _ = try await wakeup.waitUnlessCancelled(atMost: state.untilRenewal)
            return
        }
        if state.mayHaveReplays, try await replay(state) { return }
        state.mayHaveReplays = false
        if try await consume(&state) { return }
        let isWoken = try await wakeup.waitUnlessCancelled(atMost: min(options.poll, state.untilRenewal))
        if !isWoken { state.mayHaveReplays = true }
    }

    /// Handles the next batch; false when there is none.
    private func consume(_ state: inout ConsumerState) async throws -> Bool {
        let begun = ContinuousClock.now
        let reading = state.reading
        let result: BatchResult<Effect>
        do {
            result = try await pool.transaction { session in
                try self.batches.process(reading, in: session) { session, events, blocked in
                    try self.handleTogether(events, blocked: blocked, in: session)
                }
            }
        } catch {
            guard state.isEventSuspected(after: BatchFailure(error), patience: options.patience) else { throw error }
            logger.report(
                .warning,
                "consumer.isolating",
                "A batch failed, handling its events one by one",
                error: error
            )
            result = try await isolate(reading, timeoutsArePoison: state.timeouts >= options.patience)
        }
        state.advanced(result.reading)
        if result.isIdle { return false }
        if !result.effects.isEmpty { ticker?.hint() }
        for effect in result.effects { await afterCommit(effect) }
        if result.count < options.batchLimit / 2, options.leastGap > .zero {
            try await Task.sleep(until: begun + options.leastGap, clock: .continuous)
        }
        return true
    }

    private func renew(_ state: inout ConsumerState) async throws {
        let cursors = batches.cursors
        let (held, share, hasParked) = try await pool.transaction { session in
            let share = Shard.fairShare(of: cursors.member, among: try cursors.announce(in: session))
            var held = try cursors.renew(keeping: share, in: session)
            if held.count < share { held += try cursors.acquire(atMost: share - held.count, in: session) }
            return (held.sorted { $0.shard < $1.shard }, share, try cursors.hasParked(in: session))
        }
        let shards = held.map(\.shard)
        if shards != state.held.map(\.shard) {
            logger.report(
                .info,
                "consumer.leased",
                "The shards held have changed",
                ["shards": .string(shards.map(String.init).joined(separator: ","))]
            )
        }
        // Until it has its share, it asks again soon: others give back at their next renewal.
        let pause = held.count < share ? min(options.lease / 3, options.poll) : options.lease / 3
        state.renewed(held, hasParked: hasParked, nextAfter: pause)
    }

    private func resign(_ state: ConsumerState) async {
        let cursors = batches.cursors
        do {
            // A task of its own, because this one may be cancelled, which would cancel the transaction.
            try await Task { try await self.pool.transaction { try cursors.resign(in: $0) } }.value
        } catch {
            logger.report(.info, "consumer.not_resigned", "Leases run out by themselves", error: error)
        }
    }
}
