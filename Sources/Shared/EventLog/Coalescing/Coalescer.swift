import Postgres
import Synchronization

/// Turns commands that arrive at the same time into batches for one set-based statement.
///
/// The first command runs at once; those that arrive meanwhile form the next batch. Nothing ever waits for more to come. A batch has one
/// member for each subject; while one of a subject is being executed, the others of it wait.
public final class Coalescer<Member: Sendable, Outcome: Sendable>: Sendable {
    /// Executes a batch, at most one member for each subject, and returns one outcome for each, in their order.
    ///
    /// It runs in a task of its own, which no caller's cancellation reaches.
    public typealias Executor = @Sendable ([Member]) async throws -> [Outcome]

    private typealias Entry = BatchQueue<Member>.Entry
    private typealias Caller = CheckedContinuation<Outcome, any Error>

    private struct State {
        var queue: BatchQueue<Member>
        var callers: [UInt64: Caller] = [:]
        var lastNumber: UInt64 = 0
        /// Callers that were cancelled before they began to wait.
        var cancelled: Set<UInt64> = []
    }

    private let subject: @Sendable (Member) -> (any Hashable & Sendable)?
    private let runsAlone: @Sendable (Outcome) -> Bool
    private let execute: Executor
    private let state: Mutex<State>

    /// Describes a coalescer.
    ///
    /// - Parameters:
    ///   - limit: the most members of a batch; at least 1.
    ///   - batchesAtOnce: the most batches in flight; at least 1.
    ///   - waitingLimit: the most members waiting; the next is refused with `EventLogError.overloaded`.
    ///   - subject: what a member is about, of which a batch has only one; nil is about nothing in particular.
    ///   - runsAlone: whether an outcome says that the member could not be executed with others, for example because a row
    ///     was locked; it is executed again by itself then, and that outcome counts.
    ///   - execute: executes a batch.
    public init(
        limit: Int = 256,
        batchesAtOnce: Int = 2,
        waitingLimit: Int = 10_000,
        subject: @escaping @Sendable (Member) -> (any Hashable & Sendable)? = { _ in nil },
        runsAlone: @escaping @Sendable (Outcome) -> Bool = { _ in false },
        execute: @escaping Executor
    ) {
        self.subject = subject
        self.runsAlone = runsAlone
        self.execute = execute
        state = Mutex(
            State(queue: BatchQueue(limit: limit, batchesAtOnce: batchesAtOnce, waitingLimit: waitingLimit))
        )
    }

    /// Executes a member, with whatever arrives at the same time.
    ///
    /// A caller that is cancelled gets a `CancellationError` at once. What it submitted is withdrawn if it has not begun; if it has,
    /// that run goes to its end, and there is no other.
    ///
    /// - Throws: what executing it threw; `EventLogError.overloaded`; `CancellationError`.
    public func submit(_ member: Member) async throws -> Outcome {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        // A cancellation that came when there was an answer already has left its number.
        defer { if Task.isCancelled { state.withLock { _ = $0.cancelled.remove(number) } } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { enqueue(member, number, for: $0) }
        } onCancel: {
            withdraw(number)
        }
    }

    /// How many members wait for their batch to begin.
    public var waitingCount: Int {
        state.withLock { $0.queue.waitingCount }
    }

    /// How many cancellations it remembers of callers that have not begun to wait.
    var cancelledCount: Int {
        state.withLock { $0.cancelled.count }
    }

    private func enqueue(_ member: Member, _ number: UInt64, for caller: Caller) {
        let entry = Entry(number: number, member: member, subject: subject(member).map { BatchSubject($0) })
        let (refusal, batch) = state.withLock { state -> ((any Error)?, [Entry]?) in
            if state.cancelled.remove(number) != nil { return (CancellationError(), nil) }
            guard state.queue.append(entry) else { return (EventLogError.overloaded, nil) }
            state.callers[number] = caller
            return (nil, state.queue.begin())
        }
        if let refusal { caller.resume(throwing: refusal) }
        // A task of its own, because the caller's may be cancelled while others wait for the same batch. It ends with the queue.
        if let batch { Task { await self.run(batch) } }
    }

    private func withdraw(_ number: UInt64) {
        let caller = state.withLock { state -> Caller? in
            guard let caller = state.callers.removeValue(forKey: number) else {
                // Either it has its answer already, or it has not begun to wait.
                state.cancelled.insert(number)
                return nil
            }
            state.queue.withdraw(number)
            return caller
        }
        caller?.resume(throwing: CancellationError())
    }

    // MARK: Executing

    private func run(_ first: [Entry]) async {
        var next: [Entry]? = first
        while let batch = next {
            await execute(batch)
            next = state.withLock { state in
                state.queue.end(batch)
                return state.queue.begin()
            }
        }
    }

    private func execute(_ batch: [Entry], isHalf: Bool = false) async {
        do {
            let outcomes = try await execute(batch.map(\.member))
            guard outcomes.count == batch.count else { throw EventLogError.outcomesMissing }
            var unfit: [Entry] = []
            for (entry, outcome) in zip(batch, outcomes) {
                if batch.count > 1, runsAlone(outcome) {
                    unfit.append(entry)
                } else {
                    answer(entry, .success(outcome))
                }
            }
            await executeAlone(unfit)
        } catch {
            switch BatchRemedy(error) {
            case .alone where batch.count > 1: await executeAlone(batch)
            case .halves where batch.count > 1 && !isHalf:
                let left = batch.filter(isAwaited)
                for half in [left.prefix(left.count / 2), left.dropFirst(left.count / 2)] where !half.isEmpty {
                    await execute(Array(half), isHalf: true)
                }
            case .alone, .halves, .none:
                for entry in batch { answer(entry, .failure(error)) }
            }
        }
    }

    /// Executes members one by one; when a second one fails for reasons that are not its own, the rest is given up too.
    private func executeAlone(_ entries: [Entry]) async {
        var troubles = 0
        for (index, entry) in entries.enumerated() where isAwaited(entry) {
            do {
                let outcomes = try await execute([entry.member])
                guard let outcome = outcomes.first, outcomes.count == 1 else { throw EventLogError.outcomesMissing }
                answer(entry, .success(outcome))
            } catch {
                answer(entry, .failure(error))
                if BatchRemedy(error) != .alone { troubles += 1 }
                if troubles == 2 {
                    for later in entries[(index + 1)...] { answer(later, .failure(error)) }
                    return
                }
            }
        }
    }

    /// Whether a caller still waits for the outcome.
    private func isAwaited(_ entry: Entry) -> Bool {
        state.withLock { $0.callers[entry.number] != nil }
    }

    private func answer(_ entry: Entry, _ result: Result<Outcome, any Error>) {
        state.withLock { $0.callers.removeValue(forKey: entry.number) }?.resume(with: result)
    }
}

/// What may bring those through whose batch has failed.
private enum BatchRemedy {
    /// One of them is the cause: each by itself.
    case alone
    /// It took too long, by one of them or by circumstances: fewer at once, and that only once, for each try costs the whole limit.
    case halves
    /// Nothing: without the database they fail again, and when a commit's outcome is unknown they might be executed twice.
    case none

    init(_ error: any Error) {
        switch BatchFailure(error) {
        case .poison: self = error as? EventLogError == .outcomesMissing ? .none : .alone
        case .timeout: self = .halves
        case .passing: self = (error as? PostgresError)?.sqlState?.isRetryable == true ? .alone : .none
        case .leaseLost, .cancelled: self = .none
        }
    }
}
