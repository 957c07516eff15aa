import CLibPQ
import Logging
import Synchronization

/// The thread that listens: one connection, `poll(2)` on its socket and on a pipe that tells it to stop.
final class ListenerThread: Sendable {
    private struct WeakWakeup {
        weak var wakeup: Wakeup?
    }

    private struct State {
        var signals: [String: [WeakWakeup]] = [:]
        var isStopped = false
        var finished: UnsafeContinuation<Void, any Error>?
    }

    private let configuration: ConnectionConfiguration
    private let channels: [SQLIdentifier]
    private let options: Listener.Options
    private let logger: Logger
    private let state = Mutex(State())
    private let bell = WakePipe()

    init(
        _ configuration: ConnectionConfiguration,
        _ channels: [SQLIdentifier],
        _ options: Listener.Options,
        _ logger: Logger
    ) {
        self.configuration = configuration
        self.channels = channels
        self.options = options
        self.logger = logger
    }

    func signal(for channels: [String]) -> Wakeup {
        let wakeup = Wakeup()
        state.withLock { state in
            for channel in channels {
                state.signals[channel, default: []].removeAll { $0.wakeup == nil }
                state.signals[channel, default: []].append(WeakWakeup(wakeup: wakeup))
            }
        }
        return wakeup
    }

    /// Starts the thread and waits until it is stopped.
    func run() async throws {
        try await withUnsafeThrowingContinuation { continuation in
            let isStopped = state.withLock { state in
                state.finished = continuation
                return state.isStopped
            }
            let isStarted = !isStopped && NativeThread.start { [self] in listen() }
            if !isStarted { finish(isStopped ? nil : "no thread could be started") }
        }
    }

    /// Stops the thread; it ends by itself a little later if it is connecting just now.
    func stop() {
        state.withLock { $0.isStopped = true }
        bell.ring()
        finish(nil)
    }

    private func finish(_ reason: String?) {
        let finished = state.withLock { state in
            defer { state.finished = nil }
            return state.finished
        }
        guard let reason else {
            finished?.resume()
            return
        }
        finished?.resume(throwing: PostgresError.connectionFailed(ConnectionFailure(reason: reason)))
    }

    private var isStopped: Bool {
        state.withLock { $0.isStopped }
    }

    private func listen() {
        var failures = 0
        while !isStopped {
            do {
                let link = try Link(ConnectionHandle.connect(configuration.parameters))
                try execute("select 1", on: link)
                for channel in channels { try execute("listen \(channel)", on: link) }
                failures = 0
                logger.info("Listening", metadata: ["event": "postgres.listening"])
                // From here on nothing is missed, so now is the time to catch up with what was.
                for channel in channels { raise(channel.name) }
                try attend(to: link)
            } catch {
                if isStopped { break }
                failures += 1
                let reason = (error as? PostgresError)?.failure?.reason ?? "\(error)"
                logger.warning("Not listening", metadata: ["event": "postgres.listener_lost", "reason": "\(reason)"])
                var generator = SystemRandomNumberGenerator()
                let doubled = options.backoff * (1 << min(failures - 1, 16))
                let pause = min(doubled, options.maximumBackoff).jittered(by: 0.5, using: &generator)
                _ = bell.wait(for: nil, until: .now + pause)
            }
        }
        finish(nil)
    }

    /// Waits for notifications until told to stop.
    ///
    /// - Throws: when the connection is gone or does not answer.
    private func attend(to link: borrowing Link) throws {
        while !isStopped {
            deliver(from: link)
            let hasInput = bell.wait(for: link.descriptor, until: .now + options.livenessInterval)
            if isStopped { return }
            if hasInput {
                try link.readInput()
            } else {
                try execute("select 1", on: link)
            }
        }
    }

    private func deliver(from link: borrowing Link) {
        while let channel = link.nextNotification() { raise(channel) }
    }

    private func raise(_ channel: String) {
        let signals = state.withLock { $0.signals[channel] ?? [] }
        for signal in signals { signal.wakeup?.raise() }
    }

    private func execute(_ statement: String, on link: borrowing Link) throws {
        do {
            try link.execute(statement, until: .now + options.livenessDeadline)
        } catch {
            throw PostgresError.connectionLost(error.connectionFailure)
        }
    }
}
