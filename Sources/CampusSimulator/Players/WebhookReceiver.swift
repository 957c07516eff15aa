import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore

/// The platform's webhook endpoint: believes nothing unsigned, counts what it is told, and is away now and then.
final class WebhookReceiver: Sendable {
    /// An event that was taken.
    struct Delivery: Sendable {
        /// The order that it is about.
        var orderID: String?
        /// How often it came.
        var count = 0
    }

    private struct State: Sendable {
        var signature: WebhookSignature?
        var deliveries: [String: Delivery] = [:]
        var refused: Set<String> = []
        var forgeries = 0
    }

    private let state = Watched(State())
    /// One in so many events is refused at its first attempt; 0 refuses none.
    private let refusesOneIn: Int
    private let logger: Logger

    /// A receiver that refuses one in so many events at its first attempt, to see it come again.
    init(refusesOneIn: Int = 40, logger: Logger) {
        self.refusesOneIn = refusesOneIn
        self.logger = logger
    }

    /// How many events were refused at first.
    var refusals: Int { state.value.refused.count }
    /// How many requests did not verify.
    var forgeries: Int { state.value.forgeries }

    /// How often each event about one of these orders came with a valid signature and was taken.
    func deliveries(of orders: Set<String>) -> [String: Int] {
        state.value.deliveries.filter { $0.value.orderID.map(orders.contains) ?? false }.mapValues(\.count)
    }

    /// Waits until each of these events has been taken.
    ///
    /// - Returns: Whether they were before `timeout`.
    func wait(for events: Set<String>, atMost timeout: Duration) async -> Bool {
        await state.wait(atMost: timeout) { state in events.allSatisfy { state.deliveries[$0] != nil } }
    }

    /// From now on deliveries must be signed with this secret.
    func expect(secret: String) throws {
        let signature = try WebhookSignature(secret: secret)
        state.update { $0.signature = signature }
    }

    /// Serves on a free port of the loopback until the task is cancelled; `onReady` hears which.
    func run(onReady: @escaping @Sendable (Int) -> Void) async throws {
        let router = Router()
        router.post("webhooks") { request, context in
            let body = try await request.body.collect(upTo: context.maxUploadSize)
            return self.answer(
                id: request.headers[Self.header("webhook-id")],
                timestamp: request.headers[Self.header("webhook-timestamp")],
                signatures: request.headers[Self.header("webhook-signature")],
                body: Data(body.readableBytesView)
            )
        }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                if let port = channel.localAddress?.port { onReady(port) }
            },
            logger: logger
        )
        try await application.run()
    }

    private func answer(
        id: String?,
        timestamp: String?,
        signatures: String?,
        body: Data
    ) -> HTTPResponse.Status {
        let orderID = (try? JSON(parsing: [UInt8](body)))?["data"]?["order_id"]?.string
        let now = Int64(Date().timeIntervalSince1970)
        return state.update { state in
            do {
                guard let signature = state.signature else { return .serviceUnavailable }
                try signature.verify(id: id, timestamp: timestamp, signatures: signatures, body: body, now: now)
            } catch {
                state.forgeries += 1
                return .unauthorized
            }
            guard let event = id else { return .badRequest }
            if refusesOneIn > 0, !state.refused.contains(event), state.deliveries[event] == nil,
                (state.deliveries.count + state.refused.count) % refusesOneIn == refusesOneIn - 1
            {
                state.refused.insert(event)
                return .serviceUnavailable
            }
            state.deliveries[event, default: Delivery(orderID: orderID)].count += 1
            return .noContent
        }
    }

    private static func header(_ name: String) -> HTTPField.Name {
        HTTPField.Name(name) ?? .contentType
    }
}
