import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("What rules may know of people and shops", .timeLimit(.minutes(5)))
struct PartyTests {
    private let customer = "/v1/parties/customer/stu_1"
    private let facts: JSON = [
        "registered_at": "2024-09-01T00:00:00Z", "member_tier": "gold", "building": "紫荆 7 号楼", "minor": false,
        "updated_at": "2026-03-01T04:00:00Z",
    ]

    @Test("Facts are put and read; each kind has its own; another campus has none of them")
    func life() async throws {
        try await TestCampus.run { campus in
            #expect(try await campus.send(.get, customer).status == 404)
            let put = try await campus.send(.put, customer, facts)
            #expect(put.status == 200, "\(put.body)")
            #expect(put["member_tier"] == "gold" && put["minor"] == false && put["building"] == "紫荆 7 号楼")
            #expect(try await campus.send(.get, customer).body == put.body)
            let hours: JSON = [["weekdays": [1, 2, 3], "from": "10:30", "to": "21:00"]]
            let shop = try await campus.send(
                .put,
                "/v1/parties/merchant/m_1",
                ["name": "一食堂", "opening_hours": hours]
            )
            #expect(shop["opening_hours"] == hours)
            let wrong: JSON = ["minor": true, "opening_hours": [["from": "25:00", "to": "x"]]]
            let refused = try await campus.send(.put, "/v1/parties/rider/r_1", wrong)
            #expect(refused.pointers == ["/opening_hours/0/from", "/opening_hours/0/to"])
            let foreign = try await campus.send(.put, "/v1/parties/rider/r_1", ["minor": true, "name": "Wang"])
            #expect(foreign.pointers == ["/minor"])
            #expect(try await campus.other().send(.get, customer).status == 404)
            #expect(try await campus.send(.put, customer, facts, as: "customer:stu_1").status == 403)
            #expect(try await campus.send(.put, "/v1/parties/agent/kf_1", facts).status == 404)
        }
    }

    @Test("The last word by its own time stands, in whatever order it arrives")
    func lastWriter() async throws {
        try await TestCampus.run { campus in
            _ = try await campus.send(.put, customer, facts)
            let late = try await campus.send(
                .put,
                customer,
                ["member_tier": "silver", "updated_at": "2026-03-01T03:59:59Z"]
            )
            #expect(late["member_tier"] == "gold")
            let newer = try await campus.send(.put, customer, ["updated_at": "2026-03-01T04:00:01Z"])
            #expect(newer["member_tier"] == .null)
            let ahead = try await campus.send(.put, customer, ["updated_at": "2999-01-01T00:00:00Z"])
            #expect(ahead.pointers == ["/updated_at"])
        }
    }

    @Test("A thousand are taken as one; a fault is named by its place, and then none is taken")
    func batch() async throws {
        try await TestCampus.run { campus in
            func parties(_ count: Int) -> [JSON] {
                (0..<count).map { ["kind": "customer", "id": .string("stu_\($0)"), "member_tier": "gold"] }
            }
            let path = "/v1/parties/batch"
            let stored = try await campus.send(.post, path, ["parties": .array(parties(1_000))])
            #expect(stored.status == 200, "\(stored.body)")
            #expect(stored["stored"] == 1_000 && stored["outdated"] == 0)
            #expect(try await campus.number("select count(*) from campus.party") == 1_000)
            var faulty = parties(5)
            faulty[1] = ["kind": "customer", "id": "new_1", "name": "Li"]
            faulty[2] = ["kind": "customer", "id": "stu_0"]
            faulty[4] = ["kind": "merchant", "id": "new_2", "updated_at": "2999-01-01T00:00:00Z"]
            let refused = try await campus.send(.post, path, ["parties": .array(faulty)])
            #expect(refused.pointers == ["/parties/1/name", "/parties/2/id", "/parties/4/updated_at"])
            #expect(try await campus.number("select count(*) from campus.party") == 1_000)
            #expect(try await campus.send(.post, path, ["parties": .array(parties(1_001))]).status == 422)
            let old: JSON = ["kind": "customer", "id": "stu_0", "updated_at": "2026-01-01T00:00:00Z"]
            let outdated = try await campus.send(.post, path, ["parties": [old]])
            #expect(outdated["stored"] == 0 && outdated["outdated"] == 1)
        }
    }

    @Test("An export has all that is held of a customer, page by page, and is audited")
    func export() async throws {
        try await TestCampus.run { campus in
            _ = try await campus.send(.put, customer, facts)
            let orders = [
                try await OrderFixture(minutesLate: 40).insert(campus), try await OrderFixture().insert(campus),
            ]
            _ = try await OrderFixture(customer: "stu_2").insert(campus)
            #expect(try await campus.openCase(orders[0].id, .late)["verdict"] == "approved")
            let asked = try await campus.openCase(orders[1].id, .quality)
            _ = try await campus.send(
                .post,
                "/v1/cases/\(asked.id)/comments",
                ["text": "It was cold"],
                as: "customer:stu_1"
            )
            var items: [JSON] = []
            var next: String?
            var pages: Int64 = 0
            repeat {
                pages += 1
                let path = "\(customer)/export?limit=2" + (next.map { "&cursor=\($0)" } ?? "")
                let page = try await campus.send(.get, path)
                #expect(page.status == 200, "\(page.body)")
                #expect((page["items"]?.array ?? []).count <= 2)
                items += page["items"]?.array ?? []
                next = page["next_cursor"]?.string
            } while next != nil
            let sections = items.compactMap { $0["section"]?.string }
            #expect(sections == ["party", "order", "order", "case", "case", "refund"])
            #expect(items[1]["data"]?["id"]?.string == orders[0].id.description)
            #expect(items[1]["data"]?["payments"]?.array?.count == 1)
            #expect(items.contains { $0["data"]?["comments"]?.array?.first?["text"] == "It was cold" })
            #expect(items.last?["data"]?["amount_fen"]?.integer != nil)
            #expect(try await campus.send(.get, "\(customer)/export?cursor=abc").status == 422)
            #expect(
                try await campus.number("select count(*) from campus.audit_entry where action = 'party.exported'")
                    == pages
            )
            for kind in ["rider/r_1", "merchant/m_1"] {
                #expect(try await campus.send(.get, "/v1/parties/\(kind)/export").status == 200)
            }
        }
    }
    @Test("A decision knows the customer's tier and how long they are there, and nothing that tells who they are")
    func known() async throws {
        try await TestCampus.run { campus in
            _ = try await campus.send(.put, customer, facts)
            func decided() async throws -> String {
                let order = try await OrderFixture(minutesLate: 40).insert(campus)
                let opened = try await campus.openCase(order.id, .late)
                #expect(opened.verdict == "approved", "\(opened.body)")
                return opened.id
            }
            func inputs(_ id: String, as reader: String) async throws -> JSON? {
                let answer = try await campus.send(.get, "/v1/cases/\(id)/explanation", as: reader)
                return answer["decisions"]?.array?.last?["inputs"]
            }
            let first = try await decided()
            for reader in ["customer:stu_1", "agent:kf_1"] {
                let known = try await inputs(first, as: reader)
                #expect(known?["member_tier"] == "gold" && known?["account_age_days"] == 365, "\(reader)")
                #expect((known?["large_claim_fen"] == nil) == (reader == "customer:stu_1"), "\(reader)")
            }
            let shops = try await inputs(first, as: "merchant:m_1")
            #expect(shops?["reason"] == "late" && shops?["member_tier"] == nil && shops?["account_age_days"] == nil)
            #expect(try await campus.send(.post, "\(customer)/erase").status == 202)
            let second = try await inputs(try await decided(), as: "agent:kf_1")
            #expect(second?["member_tier"] == .null && second?["account_age_days"] == .null)
            let stored: [String] = try await campus.pool.transaction { session in
                try session.query("select row_to_json(d)::text from campus.decision d") { row in try row[0] }
            }
            #expect(stored.count == 2)
            #expect(stored.allSatisfy { !$0.contains("2024-09") && !$0.contains("紫荆") && !$0.contains("minor") })
        }
    }

    @Test(
        "A large claim of a new account goes to a person; what speaks for that is the staff's to know",
        arguments: [(60, 1_000, "in_review"), (60, 10_000, "approved"), (8 * 86_400, 1_000, "approved")]
    )
    func risk(accountAge: Int64, largeClaim: Int64, verdict: String) async throws {
        var settings = TestCampus.generous.object ?? [:]
        settings["large_claim_fen"] = .integer(largeClaim)
        try await TestCampus.run(settings: .object(settings)) { campus in
            let registered = SystemWallClock().now() - .seconds(accountAge)
            _ = try await campus.send(.put, customer, ["registered_at": .string(registered.rfc3339)])
            let order = try await OrderFixture(minutesLate: 40).insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            #expect(opened.verdict == verdict, "\(opened.body)")
            let own = try await campus.send(.get, "/v1/cases/\(opened.id)/explanation", as: "customer:stu_1")
            #expect(own.rules("refers") == (verdict == "approved" ? [] : ["low_risk"]))
            #expect(own.inputs(of: "low_risk") == [:])
            let staff = try await campus.send(.get, "/v1/cases/\(opened.id)/explanation", as: "agent:kf_1")
            let score = staff.inputs(of: "low_risk")?["score"]
            #expect((score == 100) == (verdict == "in_review"), "\(staff.body)")
        }
    }
}
