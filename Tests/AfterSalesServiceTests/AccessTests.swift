import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Who may see and do what, and what bad input gets", .timeLimit(.minutes(5)))
struct AccessTests {
    @Test("Another student, another merchant and another campus find nothing")
    func tenancy() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            #expect(opened.status == 201)
            let path = "/v1/cases/\(opened.id)"

            #expect(try await campus.openCase(order.id, .late, as: "customer:stu_2").status == 404)
            for suffix in ["", "/timeline", "/explanation"] {
                #expect(try await campus.send(.get, path + suffix, as: "customer:stu_2").status == 404)
            }
            for suffix in ["/withdraw", "/urge"] {
                #expect(try await campus.send(.post, path + suffix, as: "customer:stu_2").status == 404)
            }
            let options = "/v1/after-sales-options?order_id=\(order.id)"
            #expect(try await campus.send(.get, options, as: "customer:stu_2").status == 404)
            let list = try await campus.send(.get, "/v1/cases", as: "customer:stu_2")
            #expect(list["items"]?.array?.isEmpty == true)
            let probing = try await campus.send(.get, "/v1/cases?customer_id=stu_1", as: "customer:stu_2")
            #expect(probing["items"]?.array?.isEmpty == true)

            let elsewhere = try await campus.other()
            #expect(try await elsewhere.send(.get, path, as: "agent:kf_1").status == 404)
            #expect(try await elsewhere.openCase(order.id, .late).status == 404)
            #expect(
                try await elsewhere.send(.post, "/v1/desk/cases/\(opened.id)/claim", as: "agent:kf_1").status == 404
            )
        }
    }

    @Test("Staff never act on their own orders")
    func ownOrder() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(customer: "kf_1", minutesLate: 20).insert(campus)
            #expect(try await campus.openCase(order.id, .late, as: "agent:kf_1").code == "own-case")
            let opened = try await campus.openCase(order.id, .quality, as: "customer:kf_1")
            #expect(opened.status == 201)
            let desk = "/v1/desk/cases/\(opened.id)"
            #expect(try await campus.send(.post, "\(desk)/claim", as: "agent:kf_1").code == "own-case")
            let ruling: JSON = ["verdict": "approved", "reasons": [["zh-CN": "好", "en": "Yes"]]]
            #expect(try await campus.send(.post, "\(desk)/decide", ruling, as: "agent:kf_1").code == "own-case")
            #expect(try await campus.send(.post, "\(desk)/decide", ruling, as: "supervisor:kf_1").code == "own-case")
            let queue = try await campus.send(.get, "/v1/desk/queue", as: "agent:kf_1")
            #expect(queue["items"]?.array?.isEmpty == true)
            let others = try await campus.send(.get, "/v1/desk/queue", as: "agent:kf_2")
            #expect(others["items"]?.array?.count == 1)
            let handed = try await campus.send(.post, "\(desk)/transfer", ["to": "kf_1"], as: "agent:kf_2")
            #expect(handed.code == "own-case")
        }
    }

    @Test("Customers do not decide, and see that staff acted but not who")
    func roles() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            #expect(
                try await campus.send(.post, "/v1/desk/cases/\(opened.id)/claim", as: "customer:stu_1").status == 403
            )
            #expect(try await campus.send(.get, "/v1/desk/queue", as: "merchant:m_1").status == 403)
            _ = try await campus.send(.post, "/v1/desk/cases/\(opened.id)/claim", as: "agent:kf_1")
            let seen = try await campus.send(.get, "/v1/cases/\(opened.id)", as: "customer:stu_1")
            #expect(seen["handler"] == "desk")
            let timeline = try await campus.send(.get, "/v1/cases/\(opened.id)/timeline", as: "customer:stu_1")
            #expect(!timeline.body.text.contains("kf_1"))
        }
    }

    @Test("Every fault of a request is named at once, and nothing is stored")
    func faults() async throws {
        try await TestCampus.run { campus in
            let bad = try await campus.send(
                .post,
                "/v1/cases",
                [
                    "order_id": "x", "kind": "gift", "reason": 7,
                    "lines": [["line_no": 0, "quantity": 1], ["quantity": 1]],
                    "description": "", "colour": "red",
                ],
                as: "customer:stu_1"
            )
            #expect(bad.status == 422)
            #expect(
                bad.pointers == [
                    "/colour", "/description", "/kind", "/lines/0/line_no", "/lines/1/line_no", "/order_id", "/reason",
                ]
            )
            let order = try await OrderFixture().insert(campus)
            let kinds: [CaseKind] = [.return, .redelivery, .complaint]
            for kind in kinds {
                let answer = try await campus.send(
                    .post,
                    "/v1/cases",
                    [
                        "order_id": .string(order.id.description), "kind": .string(kind.rawValue), "reason": "quality",
                    ],
                    as: "customer:stu_1"
                )
                #expect(answer.status == 422)
                #expect(answer.code == "kind-not-offered")
            }
            let unknown = OrderID.make(at: SystemWallClock().now())
            #expect(try await campus.openCase(unknown, .late).status == 404)
            let lines = try await campus.openCase(
                order.id,
                .quality,
                lines: [["line_no": 9, "quantity": 1], ["line_no": 2, "quantity": 4]]
            )
            #expect(lines.pointers == ["/lines/0/line_no", "/lines/1/quantity"])
            let surplus = try await campus.openCase(order.id, .duplicateCharge, lines: [["line_no": 1, "quantity": 1]])
            #expect(surplus.pointers == ["/lines"])
            let broken = try await campus.send(.post, "/v1/cases", as: "customer:stu_1", raw: Array("{".utf8))
            #expect(broken.status == 400)
            #expect(try await campus.number("select count(*) from campus.cases") == 0)
        }
    }

    @Test("What was never paid here cannot be refunded here")
    func nothingPaid() async throws {
        try await TestCampus.run { campus in
            let unpaid = try await OrderFixture(status: .placed, payments: []).insert(campus)
            #expect(try await campus.openCase(unpaid.id, .changedMind).code == "nothing-refundable")
            let foreign = try await OrderFixture(source: .meituan, payments: []).insert(campus)
            #expect(try await campus.openCase(foreign.id, .late).code == "nothing-refundable")
            let options = try await campus.send(
                .get,
                "/v1/after-sales-options?order_id=\(foreign.id)",
                as: "customer:stu_1"
            )
            #expect(options["kinds"]?.array?.isEmpty == true)
            #expect(options["notice"]?["zh-CN"]?.string?.isEmpty == false)
        }
    }

    @Test("Options say what is left, what would come of it, and how to avoid trouble")
    func options() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            _ = try await campus.openCase(order.id, .late, lines: [["line_no": 2, "quantity": 2]])
            let options = try await campus.send(
                .get,
                "/v1/after-sales-options?order_id=\(order.id)",
                as: "customer:stu_1"
            )
            #expect(options.status == 200)
            #expect(options["paid_fen"] == .integer(order.payable))
            #expect(options["refundable_fen"] == .integer(order.payable - 666))
            let line = options["lines"]?.array?[1]
            #expect(line?["remaining_quantity"] == 1)
            #expect(line?["refundable_fen"] == 334)
            #expect(options["fees"]?.array?.map { $0["refundable_fen"] } == [300, 100])
            #expect(options["cases"]?.array?.count == 1)
            let reasons = options["kinds"]?.array?.first?["reasons"]?.array ?? []
            #expect(reasons.count == CaseReason.allCases.count)
            let late = reasons.first { $0["reason"] == "late" }
            #expect(late?["decided_by"] == "rules")
            #expect(late?["whole_order_fen"] == .integer(order.payable - 666))
            let quality = reasons.first { $0["reason"] == "quality" }
            #expect(quality?["decided_by"] == "desk")
            #expect(quality?["evidence"]?["en"]?.string?.isEmpty == false)
            #expect(quality?["fees"] == ["packaging"])
        }
    }

    @Test("Lists go on where they ended, and tell what changed since")
    func lists() async throws {
        try await TestCampus.run { campus in
            var opened: [String] = []
            for _ in 0..<5 {
                let order = try await OrderFixture().insert(campus)
                opened.append(try await campus.openCase(order.id, .quality).id)
            }
            var seen: [String] = []
            var path: String? = "/v1/cases?limit=2"
            while let next = path {
                let page = try await campus.send(.get, next, as: "customer:stu_1")
                seen += page["items"]?.array?.compactMap { $0["id"]?.string } ?? []
                path = page["next_cursor"]?.string.map { "/v1/cases?limit=2&cursor=\($0)" }
            }
            #expect(seen == opened.reversed())
            let third = try await campus.send(.post, "/v1/cases/\(opened[2])/urge", as: "customer:stu_1")
            let since = try #require(third["updated_at"]?.string)
            let changed = try await campus.send(.get, "/v1/cases?updated_since=\(since)", as: "agent:kf_1")
            #expect(changed["items"]?.array?.map { $0["id"]?.string } == [opened[2]])
            let id = JSON.string(opened[0])
            let foreign: [JSON] = [
                [], ["x"], [.integer(1)], [.integer(Int64.max), id], [.integer(-1), id], [.integer(1), "x"],
            ]
            let cursors = ["zzz"] + foreign.map { Cursor($0.array ?? []).text }
            for list in ["/v1/cases?", "/v1/cases?updated_since=2026-01-01T00:00:00Z&", "/v1/desk/queue?"] {
                for cursor in cursors {
                    let garbled = try await campus.send(.get, "\(list)cursor=\(cursor)", as: "agent:kf_1")
                    #expect(garbled.pointers == ["/cursor"], "\(list)\(cursor)")
                }
            }
        }
    }
}
