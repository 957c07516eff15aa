import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1

extension Measure {
    /// Refund cases of one merchant's orders that rules decide, at 200 a second, from when each was due to its answer.
    static let openCase = Measure(name: "open case") { bench in
        try await bench.withDatabase { database in
            let campus = try await BenchCampus.create(on: database, isTest: true)
            let total = 200 * bench.seconds
            return try await RunningService.running("OrderService", on: database, port: 18_081) { orders in
                let ids = try await lateOrders(warmUp + total, at: orders.url, key: campus.key)
                return try await RunningService.running("AfterSalesService", on: database, port: 18_082) { afterSales in
                    let latencies = Latencies<Int>()
                    let approved = Tally()
                    let client = BenchClient(key: campus.key)
                    @Sendable func open(_ number: Int) async throws -> JSON {
                        try await client.post(
                            "\(afterSales.url)/v1/cases",
                            [
                                "order_id": .string(ids[number].description), "kind": "refund", "reason": "late",
                                "description": "等了太久",
                            ],
                            actor: "customer:student-\(number)"
                        )
                    }
                    // A service that has run for a while has its statements planned, from statistics of its tables.
                    try await steadily(perSecond: 50, seconds: warmUp / 50) { number, _ in _ = try await open(number) }
                    _ = try await database.number("analyze")
                    let before = ProcessorTime.now()
                    try await steadily(perSecond: 200, seconds: bench.seconds) { number, due in
                        latencies.begin(number, at: due)
                        let answer = try await open(warmUp + number)
                        latencies.end(number)
                        if answer["decision"]?["verdict"]?.string == "approved" { approved.add() }
                    }
                    let processor = ProcessorTime.now().since(before)
                    let rows = try await database.number(
                        "select (select count(*) from campus.cases) + (select count(*) from campus.decision) "
                            + "+ (select count(*) from campus.refund) + (select count(*) from campus.after_sales_event)"
                    )
                    return [
                        Row(
                            measure: "refund case opened and decided, 200/s, p99",
                            value: latencies.percentiles.milliseconds(at: 0.99),
                            unit: "ms",
                            atMost: 20,
                            faults: total - approved.count,
                            processor: processor,
                            note: "p50 \(String(format: "%.2f", latencies.percentiles.milliseconds(at: 0.5))) ms; "
                                + "approved \(approved.count) of \(total); rows written: \(grouped(rows))"
                        )
                    ]
                }
            }
        }
    }

    /// How many cases are opened before the clock starts.
    private static let warmUp = 200

    /// Places and pays orders that were promised an hour ago.
    private static func lateOrders(_ total: Int, at url: String, key: String) async throws -> [OrderID] {
        let client = BenchClient(key: key)
        return try await withThrowingTaskGroup(of: (Int, OrderID).self) { group in
            func add(_ number: Int) {
                group.addTask {
                    let now = SystemWallClock().now()
                    let order = try await client.post(
                        "\(url)/v1/orders",
                        orderRequest(number, promisedAt: now - .seconds(3_600))
                    )
                    guard let id = order["id"]?.string.flatMap(OrderID.init) else {
                        throw UnexpectedAnswer(body: order)
                    }
                    _ = try await client.post(
                        "\(url)/v1/orders/\(id)/pay",
                        [
                            "channel": "sandbox", "transaction_id": .string("bench-\(id)"), "amount_fen": 1_800,
                            "paid_at": .string(now.rfc3339),
                        ]
                    )
                    return (number, id)
                }
            }
            for number in 0..<min(32, total) { add(number) }
            var ids = [OrderID?](repeating: nil, count: total)
            var next = min(32, total)
            for try await (number, id) in group {
                ids[number] = id
                if next < total { add(next) }
                next += 1
            }
            return ids.compactMap(\.self)
        }
    }
}

/// Talks JSON to the services with a platform key.
struct BenchClient: Sendable {
    let key: String

    /// Posts the body, acting for somebody where that is said, and returns the answer; anything but 2xx throws.
    func post(_ url: String, _ body: JSON, actor: String? = nil) async throws -> JSON {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "Idempotency-Key", value: UUID().uuidString)
        if let actor { request.headers.add(name: "X-Actor", value: actor) }
        request.body = .bytes(ByteBuffer(bytes: body.serialized()))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        let answer = try JSON(parsing: Array(bytes.readableBytesView))
        guard (200..<300).contains(response.status.code) else { throw UnexpectedAnswer(body: answer) }
        return answer
    }
}

/// An answer that a measure cannot go on with.
struct UnexpectedAnswer: Error, CustomStringConvertible {
    let body: JSON

    var description: String { "unexpected answer: \(body.text.prefix(400))" }
}
