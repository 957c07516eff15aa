#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A value behind a lock on whose change threads can wait; for threads of our own, never for Swift's cooperative ones.
///
/// `@unchecked Sendable`: the value is reached only through `withLock`, which holds the mutex.
final class Monitor<State>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        #if canImport(Darwin)
        pthread_cond_init(condition, nil)
        #else
        // Deadlines are monotonic, so that setting the system's clock neither cuts nor stretches a wait.
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Wakes one waiting thread.
    func signal() {
        pthread_cond_signal(condition)
    }

    /// Wakes all waiting threads.
    func broadcast() {
        pthread_cond_broadcast(condition)
    }

    /// Waits until `body` returns a value, trying again whenever the monitor is signalled; nil once `deadline` passes.
    func wait<Result>(until deadline: MonotonicTime = .distantFuture, _ body: (inout State) -> Result?) -> Result? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            if deadline == .distantFuture {
                pthread_cond_wait(condition, mutex)
            } else if !waitOnce(until: deadline) {
                return body(&state)
            }
        }
    }

    /// Waits for one signal while the mutex is held.
    ///
    /// - Returns: false once `deadline` has passed.
    private func waitOnce(until deadline: MonotonicTime) -> Bool {
        #if canImport(Darwin)
        let left = deadline.timeLeft(from: .now)
        if left == .zero { return false }
        var relative = MonotonicTime(nanoseconds: left.nanosecondsClamped).timespecValue
        return pthread_cond_timedwait_relative_np(condition, mutex, &relative) != ETIMEDOUT
        #else
        var absolute = deadline.timespecValue
        return pthread_cond_timedwait(condition, mutex, &absolute) != ETIMEDOUT
        #endif
    }
}
