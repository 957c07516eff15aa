import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore

/// The platform's webhook endpoint: believes nothing unsigned, counts what it is told, and is away now and then.
final class WebhookReceiver: Sendable {
    private struct State: Sendable {
        var signature: WebhookSignature?
        var deliveries: [String: Int] = [:]
        var events: [Account.Event] = []
        /// The event refused at first of each order.
        var refused: [String: String] = [:]
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

    /// How often each event came with a valid signature and was taken.
    var deliveries: [String: Int] { state.value.deliveries }
    /// What was told, each event once, in the order of arrival.
    var events: [Account.Event] { state.value.events }

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
        let now = Int64(Date().timeIntervalSince1970)
        return state.update { state in
            do {
                guard let signature = state.signature else { return .serviceUnavailable }
                try signature.verify(id: id, timestamp: timestamp, signatures: signatures, body: body, now: now)
            } catch {
                state.forgeries += 1
                return .unauthorized
            }
            guard let id, let event = Account.Event(id: id, body: body) else { return .badRequest }
            guard state.deliveries[id] == nil else {
                state.deliveries[id, default: 0] += 1
                return .noContent
            }
            let turn = state.deliveries.count + state.refused.count
            if refusesOneIn > 0, turn % refusesOneIn == refusesOneIn - 1, let order = event.orderID,
                state.refused[order] == nil
            {
                // One for each order: those that follow in its lane wait for it.
                state.refused[order] = id
                return .serviceUnavailable
            }
            state.deliveries[id] = 1
            state.events.append(event)
            return .noContent
        }
    }

    private static func header(_ name: String) -> HTTPField.Name {
        HTTPField.Name(name) ?? .contentType
    }
}

extension Account.Event {
    /// Reads a delivery: `{type, timestamp, data}`.
    fileprivate init?(id: String, body: Data) {
        guard let json = try? JSON(parsing: [UInt8](body)), let type = json["type"]?.string, let data = json["data"]
        else {
            return nil
        }
        self.init(
            id: id,
            type: type,
            orderID: data["order_id"]?.string,
            subjectID: (data["refund_id"] ?? data["case_id"] ?? data["order_id"])?.string ?? "",
            verdict: data["verdict"]?.string,
            version: data["version"]?.integer ?? 0,
            customerID: data["customer_id"]?.string
        )
    }
}
