import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore
import ServiceLifecycle
import Synchronization

/// Streams that are open in this process, for the `stats` line.
final class OpenStreams: Sendable {
    private let amount = Mutex(0)

    var count: Int { amount.withLock { $0 } }

    func opened() { amount.withLock { $0 += 1 } }
    func closed() { amount.withLock { $0 -= 1 } }
}

/// Runs a streamed body while the client listens and the service is up.
struct StreamedResponse: Sendable {
    /// How long the last bytes may wait for a client that does not read.
    private static let partingLimit = Duration.seconds(1)

    let stream: StreamBody
    let requestBody: RequestBody
    let open: OpenStreams
    let logger: Logger

    /// The body as Hummingbird takes it.
    ///
    /// Hummingbird itself does not notice a client that leaves while nothing is written.
    var body: ResponseBody {
        ResponseBody { writer in
            open.opened()
            defer { open.closed() }
            let outlet = StreamOutlet(writer)
            let end = try await requestBody.consumeWithInboundCloseHandler { _ in
                await withGracefulShutdownHandler {
                    await outlet.run(stream, logger)
                } onGracefulShutdown: {
                    outlet.end(.draining)
                }
            } onInboundClosed: {
                outlet.end(.gone)
            }
            switch end {
            case .finished: try await part(from: outlet, with: [])
            case .draining: try await part(from: outlet, with: stream.farewell)
            case .gone: return
            // The client may still be there, waiting for more: only closing the connection tells it.
            case .broken, .cut: throw StreamBroken()
            }
        }
    }

    private func part(from outlet: StreamOutlet, with farewell: [UInt8]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await outlet.write(farewell)
                try await outlet.finish()
            }
            group.addTask {
                try await Task.sleep(for: Self.partingLimit)
                throw StreamBroken()
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

/// A streamed body failed or was cut, and its connection is closed.
private struct StreamBroken: Error {}

/// How a streamed body ended.
private enum StreamEnd: Sendable {
    case finished
    /// The client left.
    case gone
    /// The body threw.
    case broken
    /// The body had itself cut off.
    case cut
    /// The service shuts down.
    case draining
}

/// Hands bytes to Hummingbird's writer, and ends the writing when there is reason to.
///
/// `@unchecked Sendable`: the writer is used by one task at a time. The body's task has it to itself until it has ended;
/// only then does the response write the farewell. What else there is stands behind the mutex.
private final class StreamOutlet: StreamWriter, @unchecked Sendable {
    private struct State {
        var writing: Task<StreamEnd?, Never>?
        var end: StreamEnd?
    }

    private var writer: any ResponseBodyWriter
    private let state = Mutex(State())

    init(_ writer: any ResponseBodyWriter) {
        self.writer = writer
    }

    /// Writes the body until it returns, or is ended from elsewhere.
    ///
    /// The body has a task of its own, so that it can be cancelled while the request's task lives on to say farewell.
    func run(_ stream: StreamBody, _ logger: Logger) async -> StreamEnd {
        let writing = Task { () -> StreamEnd? in
            do {
                try await stream.write(self)
                return .finished
            } catch is CancellationError {
                return nil
            } catch {
                logger.record(.streamFailed, error: error)
                return .broken
            }
        }
        let isEnded = state.withLock { state in
            state.writing = writing
            return state.end != nil
        }
        if isEnded { writing.cancel() }
        let written = await withTaskCancellationHandler {
            await writing.value
        } onCancel: {
            writing.cancel()
        }
        return state.withLock { state in
            // The outlet is held by the body's task.
            state.writing = nil
            return state.end ?? written ?? .gone
        }
    }

    /// Ends the writing; the first reason given counts.
    func end(_ end: StreamEnd) {
        let writing = state.withLock { state in
            state.end = state.end ?? end
            return state.writing
        }
        writing?.cancel()
    }

    func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        try await writer.write(ByteBuffer(bytes: bytes))
    }

    func finish() async throws {
        try await writer.finish(nil)
    }

    func cut() {
        end(.cut)
    }
}
