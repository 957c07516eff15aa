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
    private enum End: Sendable {
        case finished
        case gone
        case broken
        case draining
    }

    let stream: StreamBody
    let request: Request
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
            let (ends, continuation) = AsyncStream.makeStream(of: End.self, bufferingPolicy: .bufferingNewest(1))
            let end = try await request.body.consumeWithInboundCloseHandler { _ in
                await withGracefulShutdownHandler {
                    await run(outlet, until: ends)
                } onGracefulShutdown: {
                    continuation.yield(.draining)
                }
            } onInboundClosed: {
                continuation.yield(.gone)
            }
            switch end {
            case .finished: break
            case .draining: try await outlet.write(stream.farewell)
            case .gone: return
            // The client may still be there, waiting for more: only closing the connection tells it.
            case .broken: throw StreamBroken()
            }
            try await writer.finish(nil)
        }
    }

    private func run(_ outlet: StreamOutlet, until ends: AsyncStream<End>) async -> End {
        await withTaskGroup(of: End?.self) { group in
            group.addTask {
                do {
                    try await stream.write(outlet)
                    return .finished
                } catch is CancellationError {
                    return nil
                } catch {
                    logger.record(.streamFailed, error: error)
                    return .broken
                }
            }
            group.addTask {
                for await end in ends { return end }
                return nil
            }
            var end: End?
            while end == nil, let next = await group.next() { end = next }
            group.cancelAll()
            return end ?? .gone
        }
    }
}

/// A streamed body failed, and its connection is closed.
private struct StreamBroken: Error {}

/// Hands bytes to Hummingbird's writer.
///
/// `@unchecked Sendable`: the writer is used by one task at a time. The body's task has it to itself until the group has awaited its end;
/// only then does the response write the farewell.
private final class StreamOutlet: StreamWriter, @unchecked Sendable {
    private var writer: any ResponseBodyWriter

    init(_ writer: any ResponseBodyWriter) {
        self.writer = writer
    }

    func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        try await writer.write(ByteBuffer(bytes: bytes))
    }
}
