import Model
import Testing

@testable import CampusSimulator

@Suite("The table of the lunch")
struct LunchBoardTests {
    private static let plan = LunchPlan(count: 40, over: .zero, seed: 1).orders[0]

    private func placed(_ id: String) throws -> PlacedOrder {
        try PlacedOrder(
            plan: Self.plan,
            answer: [
                "id": .string(id), "totals": ["payable_fen": 100], "times": ["placed_at": "2026-03-01T04:05:06Z"],
            ]
        )
    }

    private func line(_ event: Int, _ type: String, order: String, _ data: JSONObject) -> JSON {
        var data = data
        data["order_id"] = .string(order)
        return [
            "seq": .integer(Int64(event)), "event_id": .string("evt_\(event)"), "type": .string(type),
            "title": ["zh-CN": "标题", "en": "title"], "body": ["zh-CN": "正文", "en": "body"],
            "data": .object(data),
        ]
    }

    @Test("An order never goes back, whichever stream was slower")
    func neverGoesBack() throws {
        let board = LunchBoard()
        board.add(try placed("a"))
        board.tell("merchant:m", line(9, "order.completed", order: "a", ["status": "completed"]))
        board.tell("customer:s", line(8, "order.delivered", order: "a", ["status": "delivered"]))
        #expect(board.rows["a"]?.orderStatus == "completed")
        #expect(board.told == 2)
    }

    @Test("Lines that come before the order is known are not lost")
    func keepsEarlyLines() throws {
        let board = LunchBoard()
        board.tell("customer:s", line(1, "order.placed", order: "a", ["status": "placed"]))
        #expect(board.rows.isEmpty)
        board.add(try placed("a"))
        #expect(board.rows["a"]?.orderStatus == "placed")
        #expect(board.rows["a"]?.words == "标题")
    }

    @Test("Refunds are kept by id and never turn back")
    func followsRefunds() throws {
        let board = LunchBoard()
        board.add(try placed("a"))
        board.tell(
            "customer:s",
            line(3, "refund.succeeded", order: "a", ["refund_id": "r", "status": "succeeded", "amount_fen": 100])
        )
        board.tell(
            "customer:s",
            line(2, "refund.created", order: "a", ["refund_id": "r", "status": "created", "amount_fen": 100])
        )
        #expect(board.rows["a"]?.refunds["r"]?.status == "succeeded")
        #expect(board.rows["a"]?.refunds["r"]?.fen == 100)
    }

    @Test("Whoever waits is let go as soon as it is so, and told when it never was", .timeLimit(.minutes(1)))
    func waits() async throws {
        let board = LunchBoard()
        board.add(try placed("a"))
        async let waited = board.wait(atMost: .seconds(30)) { $0["a"]?.orderStatus == "paid" }
        board.tell("customer:s", line(1, "order.paid", order: "a", ["status": "paid"]))
        #expect(await waited)
        #expect(await board.wait(atMost: .milliseconds(20)) { $0["a"]?.orderStatus == "cancelled" } == false)
    }

    @Test("A frame has the width asked for, also with Chinese in it")
    func fitsTheTerminal() throws {
        let board = LunchBoard()
        board.add(try placed("a"))
        board.tell("customer:s", line(1, "order.paid", order: "a", ["status": "paid"]))
        let frame = BoardFrame(
            rows: Array(board.rows.values),
            planned: 40,
            told: board.told,
            elapsed: .seconds(3),
            heading: "校园午餐"
        )
        for columns in [20, 61, 120] {
            let lines = frame.lines(rowCount: 24, columns: columns)
            #expect(lines.count == 5)
            #expect(lines.allSatisfy { $0.columns == columns })
        }
        #expect(frame.summary == "订单 orders 1/40: paid 1")
        #expect("午餐ab".columns == 6)
        #expect("午餐ab".fitted(to: 3) == "午 ")
    }
}
