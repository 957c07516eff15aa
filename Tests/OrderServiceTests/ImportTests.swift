import HTTPTypes
import HummingbirdTesting
import Model
import NIOCore
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

extension TestCampus {
    /// Sends lines into an import, with a line end after each.
    func importing(_ lines: [String], into id: String = "past", from line: Int? = nil) async throws -> Answer {
        var path = "/v1/orders/import?import_id=\(id)"
        if let line { path += "&from_line=\(line)" }
        let body = lines.map { $0 + "\n" }.joined()
        return try await client.execute(
            uri: path,
            method: .post,
            headers: [.authorization: "Bearer \(key)", .contentType: "application/x-ndjson"],
            body: ByteBuffer(string: body)
        ) { Answer(status: $0.status.code, headers: $0.headers, bytes: Array(buffer: $0.body)) }
    }

    func importing(_ lines: PastLine..., into id: String = "past") async throws -> Answer {
        try await importing(lines.map(\.text), into: id)
    }

    /// The order of that number.
    func order(_ externalID: String) async throws -> JSON {
        let found = try await get("/v1/orders?external_id=\(externalID)")
        return try #require(found["items"]?.array?.first, "\(externalID)")
    }
}

@Suite("Import of past orders", .timeLimit(.minutes(5)))
struct ImportTests {
    @Test("an order that stands in any state comes with its times, and goes on from there")
    func states() async throws {
        try await TestCampus.run { campus in
            let statuses = OrderStatus.allCases.map(\.rawValue)
            let answer = try await campus.importing(statuses.map { PastLine("n-\($0)", $0).text })
            #expect(answer.status == 200, "\(answer.body)")
            #expect(
                answer["imported"]?.integer == 8 && answer["next_line"] == 9 && answer["faulty"] == 0,
                "\(answer.body)"
            )
            for status in statuses {
                let order = try await campus.order("n-\(status)")
                #expect(order["status"]?.string == status)
                #expect(order["times"]?["placed_at"]?.string == PastLine.placedAt.rfc3339)
                #expect(order["totals"]?["paid_fen"] == (status == "placed" ? 0 : 2_000))
            }
            let done = try await campus.order("n-completed")
            let times = [
                "paid_at": 1, "accepted_at": 2, "ready_at": 10, "picked_up_at": 12, "delivered_at": 25,
                "completed_at": 60,
            ]
            for (name, minute) in times {
                let told = PastLine.placedAt + .seconds(60 * Int64(minute))
                #expect(done["times"]?[name]?.string == told.rfc3339, "\(name)")
            }
            #expect(done["rider"] == ["id": "r_1", "name": "Wang"])
            #expect(done["handover"]?["proof"]?["code"] == "1234")
            #expect(done["payments"]?.array?.first?["purpose"] == "settles")
            let cancelled = try await campus.order("n-cancelled")
            #expect(cancelled["cancellation"] == ["by": "customer:stu_1", "reason": "changed my mind"])
            let open = try await campus.order("n-accepted")["id"]?.string ?? ""
            try await campus.move(open, "ready", "pickup", "deliver")
            #expect(try await campus.events(of: open) == ["order.ready", "order.picked_up", "order.delivered"])
        }
    }

    @Test("the timeline tells what happened when, and last that it was imported")
    func timeline() async throws {
        try await TestCampus.run { campus in
            _ = try await campus.importing(PastLine("a"), PastLine("b", "cancelled"))
            let order = try await campus.order("a")
            let id = order["id"]?.string ?? ""
            let entries = try await campus.get("/v1/orders/\(id)/timeline")["items"]?.array ?? []
            let types = ["placed", "paid", "accepted", "ready", "picked_up", "delivered", "completed", "imported"]
            #expect(entries.compactMap { $0["type"]?.string } == types.map { "order.\($0)" })
            #expect(entries.compactMap { $0["version"]?.integer } == Array(1...8))
            #expect(order["version"] == 8)
            #expect(entries.last?["detail"] == ["import_id": "past", "line": 1])
            #expect(entries[1]["at"]?.string == (PastLine.placedAt + .seconds(60)).rfc3339)
            let other = try await campus.order("b")["id"]?.string ?? ""
            let end = try await campus.get("/v1/orders/\(other)/timeline")["items"]?.array ?? []
            #expect(
                end.map { $0["actor"]?.string } == ["platform:app", "platform:app", "customer:stu_1", "platform:app"]
            )
        }
    }

    @Test("nobody is told, and only deadlines that lie ahead begin")
    func silence() async throws {
        try await TestCampus.run { campus in
            let now = SystemWallClock().now()
            let answer = try await campus.importing(
                PastLine("old-placed", "placed"),
                PastLine("old-paid", "paid"),
                PastLine("old-delivered", "delivered"),
                PastLine("done"),
                PastLine("cancelled", "cancelled"),
                PastLine("new-placed", "placed", placedAt: now - .seconds(120)),
                PastLine("new-paid", "paid", placedAt: now - .seconds(120)),
                PastLine("new-delivered", "delivered", placedAt: now - .seconds(7_200))
            )
            #expect(answer["imported"] == 8, "\(answer.body)")
            #expect(try await campus.count("orders_event") == 0)
            #expect(try await campus.count("orders_task") == 0)
            let expected = [
                "old-placed": [], "old-paid": [], "old-delivered": [], "done": [], "cancelled": [],
                "new-placed": ["payment_deadline"], "new-paid": ["acceptance_deadline"],
                "new-delivered": ["auto_complete"],
            ]
            for (number, timers) in expected {
                let id = try await campus.order(number)["id"]?.string ?? ""
                #expect(try await campus.timers(of: id) == timers, "\(number)")
            }
            let due = try await campus.pool.autocommit { session in
                try session.query("select due_at from campus.orders_timer where kind = 'auto_complete'") {
                    row -> Timestamp in
                    try row[0]
                }
            }
            #expect(due == [now - .seconds(7_200) + .seconds(25 * 60 + 86_400)])
        }
    }

    @Test("a line that comes again is skipped, however it is written; one that says something else conflicts")
    func again() async throws {
        try await TestCampus.run { campus in
            let line = PastLine("a")
            let reordered = JSON.object(JSONObject(line.members.members.reversed().map { ($0.name, $0.value) }))
            let first = try await campus.importing([line.text, "  ", reordered.text])
            #expect(first["imported"] == 1 && first["skipped"] == 1 && first["next_line"] == 4, "\(first.body)")
            let other = line.with("short_no", "7")
            let placed = try await campus.place(externalID: "live")
            let second = try await campus.importing([other.text, line.text, PastLine("live").text], into: "more")
            #expect(second["imported"] == 0 && second["skipped"] == 1 && second["faulty"] == 2, "\(second.body)")
            let faults = second["faults"]?.array ?? []
            #expect(faults.map { $0["line"] } == [1, 3] && faults.allSatisfy { $0["pointer"] == "/external_id" })
            #expect(faults.last?["detail"]?.string?.contains(placed) ?? false)
            #expect(try await campus.count("orders") == 2)
            #expect(try await campus.count("payment") == 1)
        }
    }

    @Test("a line about an order that was erased since is skipped, whatever it says")
    func erased() async throws {
        try await TestCampus.run { campus in
            let line = PastLine("a")
            _ = try await campus.importing(line)
            let id = campus.id
            try await campus.pool.autocommit { session in
                _ = try session.query(
                    "select campus.erase_orders(\(id), 'customer', array(select id from campus.orders), now())"
                ) { _ in }
            }
            #expect(try await campus.count("imported_order where sha256 is not null") == 0)
            let again = try await campus.importing(line.with("short_no", "7"), into: "again")
            #expect(again["skipped"] == 1 && again["faulty"] == 0, "\(again.body)")
            #expect(try await campus.order("a")["dropoff"] == ["address": "(erased)"])
        }
    }

    @Test("each fault is named with its line and place, the others are taken, and a mended line ends its faults")
    func faults() async throws {
        try await TestCampus.run { campus in
            let late = PastLine("late").with("delivered_at", .string(PastLine.placedAt.rfc3339))
            let lines: [(String, [String])] = [
                (PastLine("ok").text, []), ("{", [""]), ("[]", [""]),
                (PastLine("x").with("external_id", nil).with("colour", "red").text, ["/external_id", "/colour"]),
                (PastLine("x").with("totals", ["payable_fen": 1]).text, ["/totals/payable_fen"]),
                (
                    PastLine("x", "accepted").with("rider", ["id": "r"]).with("accepted_at", nil).text,
                    ["/accepted_at", "/rider"]
                ),
                (late.text, ["/delivered_at"]),
                (PastLine("x").with("placed_at", "2199-01-01T00:00:00Z").text, ["/placed_at"]),
                (PastLine("x").with("payments", []).text, ["/payments"]),
                (PastLine("x").with("payments", [PastLine.payment("t", 1_999)]).text, ["/payments"]),
                (PastLine("x").with("payments", [PastLine.payment("t", after: -1)]).text, ["/payments/0"]),
                (PastLine("x", "placed").with("payments", [PastLine.payment("t")]).text, ["/status"]),
                (PastLine("x").with("source", "meituan").text, ["/payments/0"]),
                (PastLine("x").with("refunds", [PastLine.refund("r", 2_001)]).text, ["/refunds/0/amount_fen"]),
                (
                    PastLine("x").with(
                        "refunds",
                        [PastLine.refund("r", 1_500, items: [["line_no": 1, "amount_fen": 1_500]])]
                    ).text,
                    ["/refunds/0/amount_fen"]
                ),
                (
                    PastLine("x").with("refunds", [PastLine.refund("r", 5, items: [["amount_fen": 4]])]).text,
                    ["/refunds/0/items/0", "/refunds/0/items"]
                ),
                (String(repeating: " ", count: 70_000), [""]), (PastLine("ok-too").text, []),
            ]
            let answer = try await campus.importing(lines.map(\.0))
            #expect(answer.status == 200)
            #expect(answer["imported"] == 2 && answer["faulty"]?.integer == Int64(lines.count - 2), "\(answer.body)")
            #expect(answer["next_line"]?.integer == Int64(lines.count + 1))
            var found: [Int64: [String]] = [:]
            var cursor = ""
            repeat {
                let page = try await campus.get("/v1/orders/imports/past/faults?limit=5\(cursor)")
                for fault in page["items"]?.array ?? [] {
                    found[fault["line"]?.integer ?? 0, default: []].append(fault["pointer"]?.string ?? "?")
                }
                cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            for (index, line) in lines.enumerated() {
                #expect(found[Int64(index + 1)] ?? [] == line.1, "line \(index + 1): \(found[Int64(index + 1)] ?? [])")
            }
            let mended = try await campus.importing([PastLine("mended").text], from: 2)
            #expect(mended["imported"] == 3 && mended["faulty"]?.integer == Int64(lines.count - 3), "\(mended.body)")
            #expect(mended["next_line"]?.integer == Int64(lines.count + 1))
            #expect(mended["faults"]?.array?.first?["line"] == 3)
        }
    }

    @Test("one payment for several orders is one payment, wherever its orders are told; too much of it is a fault")
    func combinedPayments() async throws {
        try await TestCampus.run { campus in
            func line(_ number: String, _ whole: Int64 = 4_500) -> PastLine {
                var payment = PastLine.payment("joint").object ?? [:]
                payment["payment_fen"] = .integer(whole)
                return PastLine(number).with("payments", [.object(payment)])
            }
            let first = try await campus.importing(line("a"), line("b"), line("c"), line("d", 9_000))
            #expect(first["imported"] == 2 && first["faulty"] == 2, "\(first.body)")
            let pointers = first["faults"]?.array?.compactMap { $0["pointer"]?.string }
            #expect(pointers == ["/payments/0/amount_fen", "/payments/0/transaction_id", "/payments/0/amount_fen"])
            let later = try await campus.importing(line("e"), into: "later")
            #expect(later["faulty"] == 1)
            let ids = try await ["a", "b"].asyncMap {
                try await campus.order($0)["payments"]?.array?.first?["payment_id"]
            }
            #expect(ids[0] == ids[1] && ids[0] != nil)
            #expect(try await campus.count("payment") == 1)
            #expect(try await campus.count("payment_allocation") == 2)
        }
    }

    @Test(
        "payments that came with past orders are marked as such; what is paid from then on is not, whatever it is for"
    )
    func markedPayments() async throws {
        try await TestCampus.run { campus in
            let answer = try await campus.importing(
                PastLine("past"),
                PastLine("open", "placed", placedAt: SystemWallClock().now() - .seconds(120))
            )
            #expect(answer["imported"] == 2, "\(answer.body)")
            let open = try await campus.order("open")["id"]?.string ?? ""
            let live = try await campus.place()
            for (order, transaction) in [(open, "t-open"), (live, "t-live")] {
                #expect(try await campus.pay(order, transaction).status == 200)
            }
            let marked = try await campus.pool.autocommit { session in
                try session.query(
                    "select transaction_id || ' ' || is_imported from campus.payment order by transaction_id"
                ) { row -> String in try row[0] }
            }
            #expect(marked == ["t-live false", "t-open false", "t-past true"])
        }
    }

    @Test("what was paid back is gone for good, item by item")
    func refunds() async throws {
        try await TestCampus.run { campus in
            let answer = try await campus.importing(
                PastLine("full").with("refunds", [PastLine.refund("r1", 2_000)]),
                PastLine("line").with(
                    "refunds",
                    [PastLine.refund("r2", 500, items: [["line_no": 1, "amount_fen": 500]])]
                ),
                PastLine("twice").with(
                    "payments",
                    [PastLine.payment("p1"), PastLine.payment("p2", after: 90)]
                ).with("refunds", [PastLine.refund("r3", 2_000, of: "p2")]),
                PastLine("cancelled", "cancelled").with("refunds", [PastLine.refund("r4", 1_000)]),
                PastLine("again").with("refunds", [PastLine.refund("r1", 1)])
            )
            #expect(answer["imported"] == 4 && answer["faulty"] == 1, "\(answer.body)")
            #expect(answer["faults"]?.array?.first?["pointer"] == "/refunds/0/out_refund_no")
            let left = try await campus.pool.autocommit { session in
                try session.query(
                    """
                    select o.external_id || ' ' || r.item || ' ' || (r.paid_fen - r.refunded_fen)
                    from campus.refundable r join campus.orders o on o.campus_id = r.campus_id and o.id = r.order_id
                    where r.refunded_fen > 0 order by 1
                    """
                ) { row -> String in try row[0] }
            }
            #expect(
                left == [
                    "cancelled delivery 95", "cancelled line:1 714", "cancelled line:2 143", "cancelled packaging 48",
                    "cancelled whole 1000", "full delivery 0", "full line:1 0", "full line:2 0", "full packaging 0",
                    "full whole 0", "line line:1 929", "line whole 1500", "twice surplus 0", "twice whole 0",
                ]
            )
        }
    }

    @Test("an import belongs to its campus, and to keys that may import")
    func tenancy() async throws {
        try await TestCampus.run { campus in
            _ = try await campus.importing(PastLine("a"))
            let other = try await campus.other()
            #expect(try await other.get("/v1/orders/imports/past").status == 404)
            #expect(try await other.get("/v1/orders/imports/past/faults").status == 404)
            #expect(try await other.importing(PastLine("a"))["imported"] == 1)
            #expect(try await campus.get("/v1/orders/imports/past", as: "customer:stu_1").status == 403)
            #expect(try await campus.signedIn(as: "admin:boss").get("/v1/orders/imports/past").status == 403)
            let mine = try await campus.get("/v1/orders/imports/past")
            #expect(mine["imported"] == 1 && mine["created_by"] == "platform:app")
            #expect(try await campus.importing([PastLine("b").text], into: "gap", from: 2).pointers == ["/from_line"])
            #expect(try await campus.importing(PastLine("b"), into: "a%20b").pointers == ["/import_id"])
        }
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
