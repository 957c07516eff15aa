import HTTPTypes
import Model
import ServiceKit

/// The routes by which the platform reports payments.
struct PaymentController: Sendable {
    let changeOrders: ChangeOrders

    private static let tag = "Payments"

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "payOrder",
                .post,
                "/v1/orders/{id}/pay",
                summary: "Report a payment for one order",
                details: """
                    Too little leaves the order `placed`; several payments may complete it. What is too much, comes twice, or comes after \
                    the order was cancelled is due back: `order.refund_due` says so once. The same `transaction_id` is the same payment.
                    """,
                tag: Self.tag,
                access: .platform(.ordersWrite),
                body: PaymentSchemas.pay,
                responses: [.json("The order.", OrderSchemas.order, headers: [.etag])],
                problems: [.paymentContradiction, .paidElsewhere],
                idempotent: true
            ) { try await pay($0) },
            Operation(
                "reportPayment",
                .post,
                "/v1/payments",
                summary: "Report one payment for several orders",
                details: "All of its orders take their part, or none does.",
                tag: Self.tag,
                access: .platform(.ordersWrite),
                body: PaymentSchemas.report,
                responses: [.json(201, "The payment and its orders.", PaymentSchemas.reported)],
                problems: [.paymentContradiction, .paidElsewhere],
                idempotent: true
            ) { try await report($0) },
        ]
    }

    private func pay(_ call: Call) async throws -> Reply {
        let key = try OrderKey(call)
        let payment = try PaymentReport.parsed(call.body, for: key.id, of: call.campus, now: call.now)
        let request = OrderRequest(call, payment.items, at: payment.paidAt, payment: payment)
        return try await changeOrders(request, logger: call.logger)
    }

    private func report(_ call: Call) async throws -> Reply {
        let payment = try PaymentReport.parsed(call.body, of: call.campus, now: call.now)
        var request = OrderRequest(call, payment.items, at: payment.paidAt, payment: payment)
        request.listsOrders = true
        let actor = call.principal.actor
        request.reply = { transitions in
            let orders = transitions.map(\.order)
            let isOurs: (PaymentShare) -> Bool = {
                $0.channel == payment.channel && $0.transactionID == payment.transactionID
            }
            // Reported before, the payment has the id of the first report.
            let id = orders.lazy.flatMap(\.payments).first(where: isOurs)?.paymentID ?? payment.id
            return .json(
                status: 201,
                JSONWriter.text { writer in
                    writer.object { writer in
                        writer.member("id", id)
                        writer.member("channel", payment.channel.rawValue)
                        writer.member("transaction_id", payment.transactionID)
                        writer.member("amount_fen", payment.amount)
                        writer.name("orders")
                        writer.array { writer in
                            for order in orders { writer.value(order.text(for: actor)) }
                        }
                    }
                }
            )
        }
        return try await changeOrders(request, logger: call.logger)
    }
}

extension PaymentReport {
    /// What it asks of each of its orders.
    fileprivate var items: [OrderRequest.Item] {
        allocations.map { OrderRequest.Item(order: $0.order, command: .pay(reported, amount: $0.amount)) }
    }
}
