import Foundation
import Model

extension Measure {
    /// What a campus notices while another one sends all that it can: the p99 of its orders, beside that without the flood.
    static let fairness = Measure(name: "fairness") { bench in
        try await bench.withDatabase { database in
            let calm = try await BenchCampus.create(on: database, code: "calm")
            let loud = try await BenchCampus.create(on: database, code: "loud")
            // What a fraction of this machine can do: limits are there to leave room.
            return try await RunningService.running(
                "OrderService",
                on: database,
                port: 18_081,
                rateLimit: 500
            ) { service in
                @Sendable func place(seconds: Int) async throws -> Percentiles {
                    let latencies = Latencies<Int>()
                    let client = BenchClient(key: calm.key)
                    try await steadily(perSecond: 100, seconds: seconds) { number, due in
                        latencies.begin(number, at: due)
                        let promised = SystemWallClock().now() + .seconds(1_800)
                        let order = orderRequest(number, promisedAt: promised)
                        _ = try await client.post("\(service.url)/v1/orders", order)
                        latencies.end(number)
                    }
                    return latencies.percentiles
                }
                _ = try await place(seconds: 1)
                _ = try await database.number("analyze")
                let alone = try await place(seconds: bench.seconds)
                let before = ProcessorTime.now()
                async let flood = Wrk.run(
                    script: orderRequests(key: loud.key),
                    url: service.url,
                    connections: 64,
                    seconds: bench.seconds + 1
                )
                let flooded = try await place(seconds: bench.seconds)
                let outcome = try await flood
                let processor = ProcessorTime.now().since(before)
                let quiet = alone.milliseconds(at: 0.99)
                let loudly = flooded.milliseconds(at: 0.99)
                return [
                    Row(
                        measure: "a campus's p99 while another floods, over that without",
                        value: quiet > 0 ? loudly / quiet : 0,
                        unit: "×",
                        atMost: 2,
                        processor: processor,
                        note: "100 orders/s: p99 \(String(format: "%.2f", quiet)) ms alone, "
                            + "\(String(format: "%.2f", loudly)) ms beside 64 connections that sent without a pause, "
                            + "of which \(grouped(outcome.errors)) requests were refused"
                    )
                ]
            }
        }
    }
}
