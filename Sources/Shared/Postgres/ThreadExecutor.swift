import DequeModule

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A thread that runs one actor's jobs, one after the other, and may block in C between them.
final class ThreadExecutor: SerialExecutor {
    private enum Work {
        case job(UnownedJob)
        case closure(@Sendable () -> Void)
    }

    private struct Queue {
        var work: Deque<Work> = []
        var isWaiting = false
        var isStopped = false
        var thread: pthread_t?
        var joinable: JoinableThread?
    }

    private let queue = Monitor(Queue())

    /// Starts the thread; call once, before anything is enqueued.
    ///
    /// - Returns: false when the system has no thread left.
    func start() -> Bool {
        let queue = self.queue
        let executor = asUnownedSerialExecutor()
        let joinable = NativeThread.startJoinable {
            queue.withLock { $0.thread = pthread_self() }
            while let work = Self.next(in: queue) {
                switch work {
                case .job(let job): job.runSynchronously(on: executor)
                case .closure(let closure): closure()
                }
            }
        }
        queue.withLock { $0.joinable = joinable }
        return joinable != nil
    }

    /// The next work; nil after the end.
    ///
    /// Whoever was just answered often asks again at once: making way for it before sleeping spares both a wake-up.
    private static func next(in queue: Monitor<Queue>) -> Work? {
        for _ in 0..<2 {
            if let work = queue.withLock({ $0.work.popFirst() }) { return work }
            sched_yield()
        }
        return wait(in: queue)
    }

    private static func wait(in queue: Monitor<Queue>) -> Work? {
        queue.wait { state -> Work?? in
            if let work = state.work.popFirst() {
                state.isWaiting = false
                return .some(work)
            }
            if state.isStopped { return .some(nil) }
            state.isWaiting = true
            return nil
        } ?? nil
    }

    /// Adds a job of the actor.
    func enqueue(_ job: consuming ExecutorJob) {
        add(.job(UnownedJob(job)))
    }

    /// Adds a closure that belongs to no task.
    func enqueue(_ closure: @escaping @Sendable () -> Void) {
        add(.closure(closure))
    }

    private func add(_ work: Work) {
        let mustWake = queue.withLock { state in
            state.work.append(work)
            defer { state.isWaiting = false }
            return state.isWaiting
        }
        if mustWake { queue.signal() }
    }

    /// Lets the thread end once it has run what is queued; nothing may be enqueued after that.
    func stop() {
        queue.withLock { $0.isStopped = true }
        queue.broadcast()
    }

    /// Calls `body`, on a thread of its own, once the stopped thread is gone; at once where there is none to wait for.
    func whenEnded(_ body: @escaping @Sendable () -> Void) {
        let joinable = queue.withLock { $0.joinable.take() }
        guard let joinable else { return body() }
        let isStarted = NativeThread.start {
            joinable.join()
            body()
        }
        if !isStarted { body() }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    func checkIsolated() {
        let thread = queue.withLock { $0.thread }
        precondition(thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false, "not on the connection's thread")
    }
}
