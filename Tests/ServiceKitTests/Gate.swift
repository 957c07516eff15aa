import Dispatch

/// Something to wait for, from tasks and from threads.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    /// Lets one waiter pass.
    func open() { semaphore.signal() }

    /// Waits on the present thread, which must not be one of Swift's: a transaction's body has its own.
    func waitBlocking() { semaphore.wait() }

    /// Waits without holding a thread of Swift's.
    func wait() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                self.semaphore.wait()
                continuation.resume()
            }
        }
    }
}
