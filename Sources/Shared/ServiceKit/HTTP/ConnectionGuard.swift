import HTTPTypes
import Model
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// A body did not arrive in time.
struct SlowBody: Error {}

/// Guards one connection where no operation is reached: broken requests, bodies that never end, peers that do not listen.
///
/// - A request that the parser refuses is answered as a problem: 431 for headers, 400 for the rest. Hummingbird answers such a request with
///   an empty 400, in its turn after the requests before it; here that answer gets its body.
/// - A body has a time in which to arrive, however steadily it trickles; then whoever reads it gets ``SlowBody``. One that is handed on as
///   it arrives has that time for each piece, from when somebody was ready for it.
/// - A response that says `Connection: close` ends the connection once it is sent: what still arrives is read and thrown away for a moment,
///   so that the peer gets to read the answer (RFC 9112 §9.6). After that moment it is closed, whether the peer has read it or not.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private static let lingering = TimeAmount.seconds(1)

    private enum Refusal {
        case none
        case pending(Problem)
        case written
    }

    private let bodyTimeout: TimeAmount
    private let isStreamed: @Sendable (HTTPRequest) -> Bool
    private var isReceiving = false
    private var isReceivingStream = false
    private var deadline: Scheduled<Void>?
    private var refusal = Refusal.none
    private var closesAfterResponse = false
    private var isClosing = false

    /// - Parameters:
    ///   - bodyTimeout: from a request's head to its end, or from one piece of a body that is handed on to the next.
    ///   - isStreamed: whether the request's body is handed on as it arrives.
    init(bodyTimeout: TimeAmount, isStreamed: @escaping @Sendable (HTTPRequest) -> Bool = { _ in false }) {
        self.bodyTimeout = bodyTimeout
        self.isStreamed = isStreamed
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            isReceiving = true
            isReceivingStream = isStreamed(head)
        case .body:
            if isReceivingStream { cancelDeadline() }
        case .end:
            isReceiving = false
            cancelDeadline()
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // A request that arrives in one piece, as nearly all do, never gets this far with its end missing.
        if isReceiving, !isReceivingStream { expectMore(context) }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        // While nobody is ready for more, it is not the peer that is slow.
        if isReceiving, isReceivingStream { expectMore(context) }
        context.read()
    }

    private func expectMore(_ context: ChannelHandlerContext) {
        guard deadline == nil, !isClosing else { return }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: bodyTimeout) {
            self.deadline = nil
            context.fireErrorCaught(SlowBody())
        }
    }

    private func cancelDeadline() {
        deadline?.cancel()
        deadline = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isClosing else { return }
        switch error {
        case HTTPParserError.headerOverflow:
            refusal = .pending(Problem(.headersTooLarge, "Send fewer or smaller headers."))
            context.fireErrorCaught(error)
        case is SlowBody, is IOError, is ChannelError:
            context.fireErrorCaught(error)
        default:
            refusal = .pending(Problem(.malformedRequest, "The bytes received are not an HTTP/1.1 request."))
            // Hummingbird answers parser errors only; a head that cannot be made sense of is one as well.
            context.fireErrorCaught(error is HTTPParserError ? error : HTTPParserError.unknown)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        switch (unwrapOutboundIn(data), refusal) {
        case (.head(let head), .pending(let problem)) where head.status == .badRequest && head.isEmpty:
            write(problem, context)
            refusal = .written
            promise?.succeed()
        case (.head(let head), _):
            closesAfterResponse = head.headerFields[.connection] == "close"
            context.write(data, promise: promise)
        case (.body, _):
            context.write(data, promise: promise)
        case (.end, .written):
            close(context, promise)
        case (.end, _) where closesAfterResponse:
            context.write(data, promise: nil)
            close(context, promise)
        case (.end, _):
            context.write(data, promise: promise)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cancelDeadline()
    }

    private func write(_ problem: Problem, _ context: ChannelHandlerContext) {
        var generator = SystemRandomNumberGenerator()
        let requestID = Traceparent(using: &generator).traceID
        let body = ByteBuffer(bytes: problem.json(requestID: requestID).serialized())
        let head = HTTPResponse(
            status: HTTPResponse.Status(code: problem.kind.status),
            headerFields: [
                .contentType: "application/problem+json", .contentLength: "\(body.readableBytes)", .connection: "close",
                .requestID: requestID,
            ]
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func close(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.succeed()
            return
        }
        isClosing = true
        cancelDeadline()
        context.flush()
        context.close(mode: .output, promise: promise)
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingering) {
            context.close(promise: nil)
        }
    }
}

extension HTTPResponse {
    /// Whether it says that it has no body, as Hummingbird's answer to a request it could not parse does; ours always have one.
    fileprivate var isEmpty: Bool { headerFields[.contentLength] == "0" }
}
