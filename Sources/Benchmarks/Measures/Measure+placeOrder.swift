import Model

extension Measure {
    /// Orders placed over HTTP at 64 connections, over pgbench placing them with one statement of the same rows.
    ///
    /// What counts is orders that are there afterwards. Each side begins with a new database.
    static let placeOrder = Measure(name: "place order") { bench in
        var limits: [Pgbench.Outcome] = []
        for clients in [16, 32, 64] {
            let limit = try await bench.withDatabase { database in
                let campus = try await BenchCampus.create(on: database)
                return try await Pgbench(database: database.address(user: "order_service"))
                    .run(script: PlaceOrderScript.text(campus: campus), clients: clients, seconds: bench.seconds)
            }
            limits.append(limit)
        }
        guard let limit = limits.max(by: { $0.rate < $1.rate }) else { return [] }
        let others = limits.map { "\(grouped($0.rate)) at \($0.clients)" }.joined(separator: ", ")

        return try await bench.withDatabase { database in
            let campus = try await BenchCampus.create(on: database)
            let orders = "select count(*) from campus.orders"
            return try await RunningService.running("OrderService", on: database, port: 18_081) { service in
                let script = orderRequests(key: campus.key)
                _ = try await Wrk.run(script: script, url: service.url, connections: 64, seconds: 1)
                // A service that has run for a while has its statements planned from statistics of its tables.
                _ = try await database.number("analyze")
                let existing = try await database.number(orders)
                let before = ProcessorTime.now()
                let outcome = try await Wrk.run(
                    script: script,
                    url: service.url,
                    connections: 64,
                    seconds: bench.seconds
                )
                let processor = ProcessorTime.now().since(before)
                let all = try await database.number(orders)
                let placed = all - existing
                let rows = try await database.number(
                    """
                    select \(all) + (select count(*) from campus.order_timeline)
                        + (select count(*) from campus.orders_event) + (select count(*) from campus.orders_timer)
                        + (select count(*) from campus.orders_idempotency)
                    """
                )
                return [
                    Row(
                        measure: "POST /v1/orders, 64 connections",
                        rate: Double(placed) / (outcome.elapsed.milliseconds / 1_000),
                        unit: "orders/s",
                        limit: limit.rate,
                        limitName: "pgbench",
                        atLeast: 0.8,
                        faults: outcome.errors,
                        processor: processor,
                        note: """
                            \(limit.note); \(others)
                            rows written: pgbench \(grouped(limit.transactions * PlaceOrderScript.rowsPerOrder)), \
                            service \(grouped(placed * rows / max(all, 1))); refused or failed: \(outcome.errors)
                            """
                    )
                ]
            }
        }
    }

    /// Orders that differ only in their numbers, placed by `wrk`.
    static func orderRequests(key: String) -> String {
        let promisedAt = (SystemWallClock().now() + .seconds(1_800)).rfc3339
        return #"""
            local count = 0
            local threads = 0
            function setup(thread)
                threads = threads + 1
                thread:set("id", threads)
            end
            math.randomseed(os.time())
            local run = tostring(os.time()) .. "-" .. tostring(math.random(1000000))
            local headers = {
                ["Authorization"] = "Bearer \#(key)",
                ["Content-Type"] = "application/json",
            }
            local body = [[{"external_id":"%s","customer":{"id":"student-%d"},"merchant":{"id":"canteen-1","name":"一食堂"},]]
                .. [["lines":[{"sku":"rice","name":"红烧肉饭","category":"meal","unit_price_fen":1500,"quantity":1},]]
                .. [[{"sku":"tea","name":"冰红茶","category":"drink","unit_price_fen":350,"quantity":2}],]]
                .. [["fees":{"delivery_fen":200,"packaging_fen":100},]]
                .. [["discounts":[{"funded_by":"merchant","amount_fen":300}],]]
                .. [["dropoff":{"address":"北区 3 栋 402"},"promised_at":"\#(promisedAt)"}]]
            request = function()
                count = count + 1
                local number = run .. "-" .. id .. "-" .. count
                headers["Idempotency-Key"] = number
                return wrk.format("POST", "/v1/orders", headers, string.format(body, number, count % 1000))
            end
            """#
    }
}
