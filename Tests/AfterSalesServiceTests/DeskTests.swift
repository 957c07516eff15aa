import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("The desk", .timeLimit(.minutes(5)))
struct DeskTests {
    private static let reasons: JSON = [["zh-CN": "核实无误", "en": "Checked"]]

    @Test("An agent claims and approves in full")
    func inFull() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality, lines: [["line_no": 1, "quantity": 1]])
            let desk = "/v1/desk/cases/\(opened.id)"
            let claimed = try await campus.send(.post, "\(desk)/claim", as: "agent:kf_1")
            #expect(claimed["handler"] == "kf_1")
            #expect(try await campus.send(.post, "\(desk)/claim", as: "agent:kf_2").code == "claimed-by-another")
            let ruling: JSON = ["verdict": "approved", "reasons": Self.reasons]
            #expect(
                try await campus.send(.post, "\(desk)/decide", ruling, as: "agent:kf_2").code == "claimed-by-another"
            )
            let decided = try await campus.send(.post, "\(desk)/decide", ruling, as: "agent:kf_1")
            #expect(decided.verdict == "approved")
            #expect(decided["approved_fen"] == 1_500)
            let resolved = try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            #expect(resolved["refunds"]?.array?.count == 1)
            let late = try await campus.send(.post, "\(desk)/decide", ruling, as: "agent:kf_1")
            #expect(late.code == "illegal-transition")
            #expect(late["allowed"]?.array?.contains("close") == true)
            #expect(
                try await campus.number("select count(*) from campus.after_sales_timer where kind <> 'case.follow_up'")
                    == 0
            )
        }
    }

    @Test("In part, with an amount for each item, never more than is left")
    func inPart() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            let desk = "/v1/desk/cases/\(opened.id)/decide"
            let tooMuch = try await campus.send(
                .post,
                desk,
                [
                    "verdict": "approved", "reasons": Self.reasons,
                    "amounts": [["item": "line:1", "amount_fen": 1_501], ["item": "delivery", "amount_fen": 301]],
                ],
                as: "agent:kf_1"
            )
            #expect(tooMuch.status == 422)
            #expect(tooMuch.pointers == ["/amounts/0/amount_fen", "/amounts/1/amount_fen"])
            let faulty = try await campus.send(
                .post,
                desk,
                [
                    "verdict": "rejected", "reasons": Self.reasons,
                    "amounts": [["item": "line:1", "amount_fen": 1], ["item": "line:1", "amount_fen": 1]],
                ],
                as: "agent:kf_1"
            )
            #expect(faulty.pointers == ["/amounts", "/amounts/1/item"])
            let decided = try await campus.send(
                .post,
                desk,
                [
                    "verdict": "approved", "reasons": Self.reasons,
                    "amounts": [["item": "line:1", "amount_fen": 700], ["item": "delivery", "amount_fen": 50]],
                ],
                as: "agent:kf_1"
            )
            #expect(decided.verdict == "partly_approved")
            #expect(decided["approved_fen"] == 750)
            #expect(decided["refund"]?["amount_fen"] == 750)
            try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            #expect(try await campus.promised(order.id) == (0, 750))
            // What was not granted can be asked for again.
            let again = try await campus.openCase(order.id, .missingItem, lines: [["line_no": 2, "quantity": 3]])
            #expect(again.status == 201)
        }
    }

    @Test("A refusal carries its reasons, in both languages, and frees what was asked for")
    func refusal() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .changedMind)
            let desk = "/v1/desk/cases/\(opened.id)/decide"
            let mute = try await campus.send(.post, desk, ["verdict": "rejected", "reasons": []], as: "agent:kf_1")
            #expect(mute.pointers == ["/reasons"])
            let decided = try await campus.send(
                .post,
                desk,
                ["verdict": "rejected", "reasons": Self.reasons],
                as: "agent:kf_1"
            )
            #expect(decided["status"] == "rejected")
            let seen = try await campus.send(.get, "/v1/cases/\(opened.id)", as: "customer:stu_1")
            #expect(seen["decision"]?["reasons"] == Self.reasons)
            #expect(seen["decision"]?["decided_by"] == "agent")
            #expect(try await campus.promised(order.id) == (0, 0))
            #expect(try await campus.openCase(order.id, .quality).status == 201)
        }
    }

    @Test("What a person refused, in full or in part, no rule grants when it is asked for again")
    func refusedBefore() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            let opened = try await campus.openCase(order.id, .quality, lines: [["line_no": 1, "quantity": 1]])
            let rejection: JSON = ["verdict": "rejected", "reasons": Self.reasons]
            _ = try await campus.send(.post, "/v1/desk/cases/\(opened.id)/decide", rejection, as: "agent:kf_1")
            let options = try await campus.send(
                .get,
                "/v1/after-sales-options?order_id=\(order.id)",
                as: "customer:stu_1"
            )
            let reasons = options["kinds"]?.array?.first?["reasons"]?.array ?? []
            #expect(reasons.first { $0["reason"] == "late" }?["decided_by"] == "desk")

            let again = try await campus.openCase(order.id, .late, lines: [["line_no": 1, "quantity": 1]])
            #expect(again.status == 201)
            #expect(again.verdict == "in_review")
            let explained = try await campus.send(.get, "/v1/cases/\(again.id)/explanation", as: "customer:stu_1")
            #expect(explained.rules("refers") == ["not_refused_before"])
            // Another line is another matter.
            let other = try await campus.openCase(order.id, .late, lines: [["line_no": 2, "quantity": 3]])
            #expect(other.verdict == "approved")
        }
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            let part: JSON = [
                "verdict": "approved", "reasons": Self.reasons, "amounts": [["item": "line:1", "amount_fen": 700]],
            ]
            _ = try await campus.send(.post, "/v1/desk/cases/\(opened.id)/decide", part, as: "agent:kf_1")
            let rest = try await campus.openCase(order.id, .late)
            #expect(rest["items"]?.array?.map { $0["item"] } == ["line:2", "delivery", "packaging"])
            #expect(rest.verdict == "in_review")
        }
    }

    @Test("The queue is ordered by urgency, and its index serves it")
    func queue() async throws {
        try await TestCampus.run { campus in
            let reasons: [CaseReason] = [.quality, .illness, .changedMind]
            var ids: [CaseReason: String] = [:]
            for reason in reasons {
                let order = try await OrderFixture().insert(campus)
                ids[reason] = try await campus.openCase(order.id, reason).id
            }
            _ = try await campus.send(.post, "/v1/cases/\(ids[.changedMind] ?? "")/urge", as: "customer:stu_1")
            let queue = try await campus.send(.get, "/v1/desk/queue", as: "agent:kf_1")
            let listed = queue["items"]?.array?.compactMap { $0["id"]?.string }
            #expect(listed == [CaseReason.illness, .changedMind, .quality].compactMap { ids[$0] })
            _ = try await campus.send(.post, "/v1/desk/cases/\(ids[.illness] ?? "")/claim", as: "agent:kf_1")
            let mine = try await campus.send(.get, "/v1/desk/queue?handler=me", as: "agent:kf_1")
            #expect(mine["items"]?.array?.map { $0["id"]?.string } == [ids[.illness]])
            let free = try await campus.send(.get, "/v1/desk/queue?handler=nobody&limit=1", as: "agent:kf_1")
            let cursor = try #require(free["next_cursor"]?.string)
            let next = try await campus.send(
                .get,
                "/v1/desk/queue?handler=nobody&limit=1&cursor=\(cursor)",
                as: "agent:kf_1"
            )
            #expect(next["items"]?.array?.map { $0["id"]?.string } == [ids[.quality]])

            let plan = try await campus.pool.transaction { session in
                try session.execute("set local enable_seqscan = off")
                return try session.query(
                    """
                    explain select id from campus.cases
                    where campus_id = \(campus.id) and status in ('in_review', 'appealed', 'arbitration')
                    order by priority_at, id limit 50
                    """
                ) { row in try row[0] as String }.joined(separator: "\n")
            }
            #expect(plan.contains("cases_desk_queue"))
            #expect(!plan.contains("Sort"))
        }
    }

    @Test("An agent hands a case of their own over; a supervisor any")
    func transfer() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            let desk = "/v1/desk/cases/\(opened.id)"
            _ = try await campus.send(.post, "\(desk)/claim", as: "agent:kf_1")
            let refused = try await campus.send(.post, "\(desk)/transfer", ["to": "kf_2"], as: "agent:kf_2")
            #expect(refused.code == "claimed-by-another")
            let handed = try await campus.send(
                .post,
                "\(desk)/transfer",
                ["to": "kf_2", "note": "Your shop"],
                as: "agent:kf_1"
            )
            #expect(handed["handler"] == "kf_2")
            let taken = try await campus.send(.post, "\(desk)/transfer", ["to": "kf_3"], as: "supervisor:boss")
            #expect(taken["handler"] == "kf_3")
            let timeline = try await campus.send(.get, "/v1/cases/\(opened.id)/timeline", as: "customer:stu_1")
            #expect(!timeline.body.text.contains("Your shop"))
        }
    }
}
