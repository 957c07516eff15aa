#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Starts threads.
enum NativeThread {
    fileprivate final class Start: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    /// Runs `body` on a new thread, which ends when it returns.
    ///
    /// - Returns: false when the system has no thread left; `body` does not run then.
    static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        guard let thread = startJoinable(body) else { return false }
        pthread_detach(thread.name)
        return true
    }

    /// Runs `body` on a new thread whose end has to be waited for, once.
    ///
    /// - Returns: nil when the system has no thread left; `body` does not run then.
    static func startJoinable(_ body: @escaping @Sendable () -> Void) -> JoinableThread? {
        let start = Unmanaged.passRetained(Start(body))
        #if canImport(Darwin)
        var thread: pthread_t?
        #else
        var thread = pthread_t()
        #endif
        guard pthread_create(&thread, nil, enter, start.toOpaque()) == 0 else {
            start.release()
            return nil
        }
        #if canImport(Darwin)
        return thread.map(JoinableThread.init)
        #else
        return JoinableThread(name: thread)
        #endif
    }
}

/// A thread whose end has to be waited for.
///
/// `@unchecked Sendable`: some systems name threads by pointers; nobody but the system follows them.
struct JoinableThread: @unchecked Sendable {
    fileprivate let name: pthread_t

    fileprivate init(name: pthread_t) {
        self.name = name
    }

    /// Waits until the thread has ended, its own clean-up included; once, on another thread that may block.
    func join() {
        pthread_join(name, nil)
    }
}

#if canImport(Darwin)
private func enter(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    Unmanaged<NativeThread.Start>.fromOpaque(argument).takeRetainedValue().body()
    return nil
}
#else
private func enter(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<NativeThread.Start>.fromOpaque(argument).takeRetainedValue().body() }
    return nil
}
#endif
