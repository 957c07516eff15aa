import Postgres
import Synchronization
import TestSupport
import Testing

@testable import EventLog

@Suite("Coalescing commands")
struct CoalescerTests {
    /// What was executed, and a gate that holds executions back.
    private final class Executions: Sendable {
        private let batches = Locked<[[Int]]>([])
        private let gate = Wakeup()
        private let isOpen = Flag()
        private let steps = Counter()

        init(isOpen: Bool) {
            if isOpen { self.isOpen.set() }
        }

        var all: [[Int]] { batches.withLock { $0 } }

        func open() {
            isOpen.set()
            gate.raise()
        }

        /// Lets the execution at hand end, and no other.
        func step() {
            steps.add()
            gate.raise()
        }

        func note(_ members: [Int]) async throws {
            let number = batches.withLock { batches in
                batches.append(members)
                return batches.count
            }
            while !isOpen.value, steps.value < number { _ = try await gate.wait(atMost: .milliseconds(5)) }
        }
    }

    private struct Refusal: Error, Equatable {}

    /// Has these submitted while another, 0, is executed, so that they wait together; then lets all run to their end.
    private func contend<Outcome: Sendable>(
        _ numbers: ClosedRange<Int>,
        for coalescer: Coalescer<Int, Outcome>,
        _ executions: Executions,
        submit: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await coalescer.submit(0) }
            try await eventually("the first runs") { executions.all.count == 1 }
            for number in numbers { group.addTask { try await submit(number) } }
            try await eventually("all wait") { coalescer.waitingCount == numbers.count }
            executions.open()
            try await group.waitForAll()
        }
    }

    /// Runs tasks when it is told to.
    private final class ManualExecutor: TaskExecutor {
        private let jobs = Locked<[UnownedJob]>([])

        var hasWork: Bool { jobs.withLock { !$0.isEmpty } }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            jobs.withLock { $0.append(job) }
        }

        func run() {
            while let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                job.runSynchronously(on: asUnownedTaskExecutor())
            }
        }
    }

    @Test("A command that comes alone runs at once, alone")
    func idle() async throws {
        let executions = Executions(isOpen: true)
        let coalescer = Coalescer<Int, Int> { members in
            try await executions.note(members)
            return members.map { $0 * 2 }
        }
        #expect(try await coalescer.submit(21) == 42)
        #expect(executions.all == [[21]])
    }

    @Test("What arrives while a batch runs is the next batch, and each gets its own outcome")
    func batching() async throws {
        let executions = Executions(isOpen: false)
        let coalescer = Coalescer<Int, Int>(batchesAtOnce: 1) { members in
            try await executions.note(members)
            return members.map { $0 * 2 }
        }
        try await contend(1...300, for: coalescer, executions) { number in
            let outcome = try await coalescer.submit(number)
            #expect(outcome == number * 2)
        }
        #expect(executions.all.map(\.count) == [1, 256, 44])
    }

    @Test("A second member of a subject waits for the first, in its order")
    func subjects() async throws {
        let executions = Executions(isOpen: false)
        let coalescer = Coalescer<Int, Int>(
            subject: { $0 % 10 },
            execute: { members in
                try await executions.note(members)
                return members
            }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await coalescer.submit(1) }
            try await eventually("the first runs") { executions.all == [[1]] }
            group.addTask { _ = try await coalescer.submit(11) }
            try await eventually("it waits") { coalescer.waitingCount == 1 }
            group.addTask { _ = try await coalescer.submit(2) }
            try await eventually("another subject runs beside") { executions.all == [[1], [2]] }
            group.addTask { _ = try await coalescer.submit(21) }
            try await eventually("both wait") { coalescer.waitingCount == 2 }
            executions.open()
            try await group.waitForAll()
        }
        #expect(executions.all == [[1], [2], [11], [21]])
    }

    @Test("When a batch fails, its members run alone: one failure is one caller's")
    func isolation() async throws {
        let executions = Executions(isOpen: false)
        let coalescer = Coalescer<Int, Int>(batchesAtOnce: 1) { members in
            try await executions.note(members)
            if members.contains(3) { throw Refusal() }
            return members
        }
        try await contend(1...5, for: coalescer, executions) { number in
            if number == 3 {
                await #expect(throws: Refusal()) { try await coalescer.submit(number) }
            } else {
                let outcome = try await coalescer.submit(number)
                #expect(outcome == number)
            }
        }
        #expect(executions.all.map(\.count) == [1, 5, 1, 1, 1, 1, 1])
    }

    @Test("A batch that takes too long is tried in two halves, and those are not tried again")
    func timeout() async throws {
        let executions = Executions(isOpen: false)
        let timeout = PostgresError.server(ServerError(sqlState: .queryCanceled, message: ""))
        let coalescer = Coalescer<Int, Int>(batchesAtOnce: 1) { members in
            try await executions.note(members)
            if members.contains(3) { throw timeout }
            return members
        }
        let failed = Counter()
        try await contend(1...8, for: coalescer, executions) { number in
            do { _ = try await coalescer.submit(number) } catch is PostgresError { failed.add() }
        }
        #expect(executions.all.map(\.count) == [1, 8, 4, 4])
        #expect(failed.value == 4)
    }

    @Test("When members that run alone take too long, the rest is given up")
    func timeoutsAlone() async throws {
        let executions = Executions(isOpen: false)
        let coalescer = Coalescer<Int, Int>(batchesAtOnce: 1) { members in
            try await executions.note(members)
            if members.count > 1 { throw Refusal() }
            if members != [0] { throw PostgresError.server(ServerError(sqlState: .queryCanceled, message: "")) }
            return members
        }
        let failed = Counter()
        try await contend(1...8, for: coalescer, executions) { number in
            do { _ = try await coalescer.submit(number) } catch is PostgresError { failed.add() }
        }
        #expect(executions.all.map(\.count) == [1, 8, 1, 1])
        #expect(failed.value == 8)
    }

    @Test("Members whose callers have left are not run again")
    func leftCallers() async throws {
        let executions = Executions(isOpen: false)
        let coalescer = Coalescer<Int, Int>(batchesAtOnce: 1) { members in
            try await executions.note(members)
            if members.count > 1 { throw Refusal() }
            return members
        }
        let first = Task { try await coalescer.submit(0) }
        try await eventually("the first runs") { executions.all.count == 1 }
        let others = (1...4).map { number in Task { try await coalescer.submit(number) } }
        try await eventually("all wait") { coalescer.waitingCount == 4 }
        executions.step()
        try await eventually("they run together") { executions.all.map(\.count) == [1, 4] }
        others[1].cancel()
        others[2].cancel()
        for left in [others[1], others[2]] { await #expect(throws: CancellationError.self) { try await left.value } }
        executions.open()
        #expect(try await others[0].value == 1)
        #expect(try await others[3].value == 4)
        #expect(try await first.value == 0)
        #expect(executions.all.dropFirst(2).flatMap(\.self).sorted() == [1, 4])
    }

    @Test("A cancellation that comes after the answer is not remembered")
    func lateCancellation() async throws {
        let executor = ManualExecutor()
        let coalescer = Coalescer<Int, Int> { $0 }
        let caller = Task(executorPreference: executor) { try await coalescer.submit(1) }
        executor.run()
        try await eventually("there is an answer") { executor.hasWork }
        caller.cancel()
        executor.run()
        #expect(try await caller.value == 1)
        #expect(coalescer.cancelledCount == 0)
    }

    @Test("A commit whose outcome is unknown is not run again")
    func unknownOutcome() async throws {
        let executions = Executions(isOpen: false)
        let coalescer = Coalescer<Int, Int>(batchesAtOnce: 1) { members in
            try await executions.note(members)
            if members.count > 1 { throw PostgresError.commitOutcomeUnknown(ConnectionFailure(reason: "lost")) }
            return members
        }
        try await contend(1...3, for: coalescer, executions) { number in
            await #expect(throws: PostgresError.self) { try await coalescer.submit(number) }
        }
        #expect(executions.all.map(\.count) == [1, 3])
    }

    @Test("A member that could not be executed with others is executed alone")
    func alone() async throws {
        let executions = Executions(isOpen: false)
        let coalescer = Coalescer<Int, Int?>(
            batchesAtOnce: 1,
            runsAlone: { $0 == nil },
            execute: { members in
                try await executions.note(members)
                return members.map { $0 == 2 && members.count > 1 ? nil : $0 }
            }
        )
        try await contend(1...3, for: coalescer, executions) { number in
            let outcome = try await coalescer.submit(number)
            #expect(outcome == number)
        }
        #expect(executions.all.map(\.count) == [1, 3, 1])
        #expect(executions.all.last == [2])
    }

    @Test("A caller's cancellation withdraws what has not begun, and lets a batch finish that has")
    func cancellation() async throws {
        let executions = Executions(isOpen: false)
        let finished = Counter()
        let coalescer = Coalescer<Int, Int>(batchesAtOnce: 1) { members in
            try await executions.note(members)
            finished.add(members.count)
            return members
        }
        let running = Task { try await coalescer.submit(1) }
        try await eventually("it runs") { executions.all == [[1]] }
        let waiting = Task { try await coalescer.submit(2) }
        let other = Task { try await coalescer.submit(3) }
        try await eventually("the others wait") { coalescer.waitingCount == 2 }
        running.cancel()
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        await #expect(throws: CancellationError.self) { try await waiting.value }
        executions.open()
        #expect(try await other.value == 3)
        #expect(executions.all == [[1], [3]])
        #expect(finished.value == 2)

        let early = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await coalescer.submit(4)
        }
        await #expect(throws: CancellationError.self) { try await early.value }
        #expect(executions.all == [[1], [3]])
    }

    @Test("More than may wait are refused at once")
    func overload() async throws {
        let executions = Executions(isOpen: false)
        let coalescer = Coalescer<Int, Int>(batchesAtOnce: 1, waitingLimit: 2) { members in
            try await executions.note(members)
            return members
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await coalescer.submit(0) }
            try await eventually("the first runs") { executions.all.count == 1 }
            for number in 1...2 { group.addTask { _ = try await coalescer.submit(number) } }
            try await eventually("two wait") { coalescer.waitingCount == 2 }
            await #expect(throws: EventLogError.overloaded) { try await coalescer.submit(3) }
            executions.open()
            try await group.waitForAll()
        }
    }

    @Test("A batch that answers with too few outcomes is a failure, not a hang")
    func tooFew() async throws {
        let coalescer = Coalescer<Int, Int> { _ in [] }
        await #expect(throws: EventLogError.outcomesMissing) { try await coalescer.submit(1) }
    }
}
