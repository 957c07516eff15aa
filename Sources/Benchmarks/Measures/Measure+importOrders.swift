import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1

extension Measure {
    /// Past orders imported by one request: a million of them in under five minutes.
    static let importOrders = Measure(name: "import") { bench in
        try await bench.withDatabase { database in
            let campus = try await BenchCampus.create(on: database)
            let total = 15_000 * bench.seconds
            return try await RunningService.running("OrderService", on: database, port: 18_081) { service in
                // Statements are planned, and the tables have statistics, after the first thousands of so many.
                _ = try await send(PastOrders(numbers: 0..<3_000), into: "first", service.url, key: campus.key)
                _ = try await database.number("analyze")
                let past = PastOrders(numbers: 3_000..<3_000 + total)
                let before = ProcessorTime.now()
                let start = ContinuousClock.now
                let answer = try await send(past, into: "second", service.url, key: campus.key)
                let elapsed = (ContinuousClock.now - start).milliseconds / 1_000
                let processor = ProcessorTime.now().since(before)
                let orders = try await database.number("select count(*) - 3000 from campus.orders")
                let told = try await database.number("select count(*) from campus.orders_event")
                let rows = try await database.number(
                    """
                    select (select count(*) from campus.orders) + (select count(*) from campus.order_timeline)
                        + (select count(*) from campus.payment) + (select count(*) from campus.payment_allocation)
                        + (select count(*) from campus.imported_order) + (select count(*) from campus.past_refund)
                        + (select count(*) from campus.refundable)
                    """
                )
                let rate = Double(orders) / elapsed
                return [
                    Row(
                        measure: "past orders imported, one request",
                        rate: rate,
                        unit: "orders/s",
                        atLeast: 3_334,
                        faults: total - orders + told,
                        processor: processor,
                        note: """
                            \(grouped(past.bytes / max(total, 1))) bytes a line; rows an order: \
                            \(String(format: "%.1f", Double(rows) / Double(orders + 3_000))); a million would take \
                            \(String(format: "%.1f", 1_000_000 / rate / 60)) min; faulty: \(answer["faulty"]?.integer ?? -1)
                            """
                    )
                ]
            }
        }
    }

    private static func send(_ orders: PastOrders, into name: String, _ url: String, key: String) async throws -> JSON {
        var request = HTTPClientRequest(url: "\(url)/v1/orders/import?import_id=\(name)")
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        request.headers.add(name: "Content-Type", value: "application/x-ndjson")
        request.body = .stream(orders.stream, length: .known(Int64(orders.bytes)))
        let response = try await HTTPClient.shared.execute(request, timeout: .minutes(20))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        let answer = try JSON(parsing: Array(bytes.readableBytesView))
        guard response.status == .ok else { throw UnexpectedAnswer(body: answer) }
        return answer
    }
}

/// Lines as a platform exports them, written before the clock starts: of twenty orders one is cancelled and paid back, one was paid back in
/// part.
private struct PastOrders: Sendable {
    private let pieces: [ByteBuffer]

    var bytes: Int { pieces.reduce(0) { $0 + $1.readableBytes } }

    var stream: AsyncStream<ByteBuffer> {
        let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        for piece in pieces { continuation.yield(piece) }
        continuation.finish()
        return stream
    }

    init(numbers: Range<Int>) {
        let first = SystemWallClock().now() - .days(30)
        var pieces: [ByteBuffer] = []
        var piece = ByteBuffer()
        for number in numbers {
            piece.writeString(Self.line(number, placedAt: first + .seconds(Int64(number))))
            if piece.readableBytes > 65_536 || number == numbers.upperBound - 1 {
                pieces.append(piece)
                piece = ByteBuffer()
            }
        }
        self.pieces = pieces
    }

    private static func line(_ number: Int, placedAt: Timestamp) -> String {
        func minute(_ minute: Int64) -> String { (placedAt + .seconds(60 * minute)).rfc3339 }
        let end =
            switch number % 20 {
            case 7:
                #""status":"cancelled","cancelled_at":"\#(minute(3))","cancellation":{"by":"customer:student-\#(number % 1_000)","#
                    + #""reason":"等了太久"},"refunds":[{"out_refund_no":"R\#(number)","amount_fen":2200,"succeeded_at":"\#(minute(9))"}]"#
            default:
                #""status":"completed","accepted_at":"\#(minute(2))","ready_at":"\#(minute(12))","picked_up_at":"\#(minute(14))","#
                    + #""delivered_at":"\#(minute(26))","completed_at":"\#(minute(90))","rider":{"id":"rider-\#(number % 100)"},"#
                    + #""handover":{"kind":"door","proof":{"photo":"https://cdn.example.org/p/\#(number).jpg"}}"#
            }
        let partly =
            number % 20 == 13
            ? #","refunds":[{"out_refund_no":"R\#(number)","amount_fen":350,"succeeded_at":"\#(minute(120))","#
                + #""items":[{"line_no":2,"amount_fen":350}]}]"# : ""
        return
            #"{"external_id":"past-\#(number)","short_no":"\#(number % 999)","customer":{"id":"student-\#(number % 1_000)"},"#
            + #""merchant":{"id":"canteen-\#(number % 20)","name":"一食堂"},"lines":["#
            + #"{"sku":"rice","name":"红烧肉饭","category":"meal","unit_price_fen":1500,"quantity":1},"#
            + #"{"sku":"tea","name":"冰红茶","category":"drink","unit_price_fen":350,"quantity":2}],"#
            + #""fees":{"delivery_fen":200,"packaging_fen":100},"discounts":[{"funded_by":"merchant","amount_fen":300}],"#
            + #""totals":{"payable_fen":2200},"dropoff":{"address":"北区 3 栋 402"},"promised_at":"\#(minute(30))","#
            + #""placed_at":"\#(placedAt.rfc3339)","payments":[{"channel":"delegated","transaction_id":"4200001\#(number)","#
            + #""amount_fen":2200,"paid_at":"\#(minute(1))","out_trade_no":"past-\#(number)","mchid":"1600000001"}],"#
            + end + partly + "}\n"
    }
}
