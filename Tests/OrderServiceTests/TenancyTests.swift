import HTTPTypes
import Model
import TestSupport
import Testing

@testable import OrderService

@Suite("Who sees and does what")
struct TenancyTests {
    @Test("another's order does not exist, to read or to move")
    func strangers() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await campus.move(order, "pay")
            let other = try await campus.other()
            let attacks: [(TestCampus, String?)] = [
                (other, nil), (campus, "customer:stu_2"), (campus, "merchant:m_2"), (campus, "rider:r_1"),
            ]
            for (attacker, actor) in attacks {
                for path in ["", "/timeline", "/position"] {
                    #expect(try await attacker.get("/v1/orders/\(order)\(path)", as: actor).status == 404)
                }
            }
            #expect(
                try await campus.post("/v1/orders/\(order)/cancel", ["reason": "x"], as: "customer:stu_2").status == 404
            )
            #expect(try await campus.post("/v1/orders/\(order)/accept", as: "merchant:m_2").status == 404)
            #expect(try await other.post("/v1/orders/\(order)/accept").status == 404)
            #expect(try await other.pay(order, "t9").status == 404)
            #expect(try await other.post("/v1/orders/\(order)/exceptions", ["kind": "accident"]).status == 404)
            #expect(try await campus.get("/v1/orders/\(order)")["version"] == 2)
        }
    }

    @Test("lists show what the caller may see, whatever they ask for")
    func lists() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            _ = try await campus.place(customer: "stu_2")
            func ids(_ query: String, _ actor: String?) async throws -> [String] {
                (try await campus.get("/v1/orders?\(query)", as: actor)["items"]?.array ?? []).compactMap {
                    $0["id"]?.string
                }
            }
            #expect(try await ids("", "customer:stu_1") == [order])
            #expect(try await ids("customer_id=stu_2", "customer:stu_1").isEmpty)
            #expect(try await ids("", "merchant:m_1").count == 2)
            #expect(try await ids("", "merchant:m_2").isEmpty)
            #expect(try await ids("", "agent:a_1").count == 2)
            #expect(try await ids("", "rider:r_1").isEmpty)
            try await campus.move(order, "pay", "accept", "ready")
            #expect(try await ids("", "rider:r_1") == [order])
            try await campus.move(order, "pickup")
            #expect(try await ids("", "rider:r_1") == [order])
            #expect(try await ids("", "rider:r_2").isEmpty)
            #expect(try await campus.other().get("/v1/orders")["items"]?.array?.isEmpty == true)
        }
    }

    @Test("each role does what is its own")
    func roles() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            #expect(
                try await campus.send(.post, "/v1/orders/\(order)/pay", campus.payBody("t"), as: "customer:stu_1")
                    .status == 403
            )
            #expect(try await campus.post("/v1/orders", campus.orderBody(), as: "merchant:m_1").status == 403)
            #expect(
                try await campus.post("/v1/orders", campus.orderBody(customer: "stu_2"), as: "customer:stu_1").status
                    == 422
            )
            #expect(try await campus.post("/v1/orders", campus.orderBody(), as: "customer:stu_1").status == 201)
            try await campus.pay(order)
            #expect(try await campus.post("/v1/orders/\(order)/accept", as: "customer:stu_1").status == 403)
            #expect(try await campus.post("/v1/orders/\(order)/accept", as: "merchant:m_1").status == 200)
            #expect(try await campus.post("/v1/orders/\(order)/ready", as: "agent:a_1").status == 200)
            #expect(
                try await campus.post("/v1/orders/\(order)/deliver", ["handover": ["kind": "door"]], as: "merchant:m_1")
                    .status == 403
            )
        }
    }

    @Test("a rider picks up for themselves, and only who carries it hands it over")
    func riders() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await campus.move(order, "pay", "accept", "ready")
            let path = "/v1/orders/\(order)/pickup"
            #expect(try await campus.post(path, ["rider": ["id": "r_2"]], as: "rider:r_1").pointers == ["/rider/id"])
            #expect(try await campus.post(path).pointers == ["/rider"])
            #expect(try await campus.post(path, as: "rider:r_1")["rider"]?["id"] == "r_1")
            #expect(try await campus.post(path, as: "rider:r_2").status == 404)
            #expect(try await campus.post(path, ["rider": ["id": "r_2"]], as: "rider:r_1")["rider"]?["id"] == "r_2")
            #expect(try await campus.get("/v1/orders/\(order)", as: "rider:r_1").status == 404)
            let delivered = try await campus.post(
                "/v1/orders/\(order)/deliver",
                ["handover": ["kind": "locker", "proof": ["locker_log": "box 7"]]],
                as: "rider:r_2"
            )
            #expect(delivered["status"] == "delivered")
            #expect(
                try await campus.events(of: order).filter { $0 == "order.picked_up" }.count == 2
            )
        }
    }
}
