import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Versions of a case", .timeLimit(.minutes(5)))
struct CaseVersionTests {
    @Test("A case that did not change is not sent again; one whose refund moved is")
    func notModified() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            let first = try #require(opened.headers[.eTag])
            try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            let path = "/v1/cases/\(opened.id)"
            let moved = try await campus.send(.get, path, as: "customer:stu_1", ifNoneMatch: first)
            #expect(moved.status == 200)
            let tag = try #require(moved.headers[.eTag])
            #expect(tag != first)
            let same = try await campus.send(.get, path, as: "customer:stu_1", ifNoneMatch: tag)
            #expect(same.status == 304)
            #expect(same.bytes.isEmpty)
            #expect(same.headers[.eTag] == tag)
            _ = try await campus.send(.post, "\(path)/comments", ["text": "Thanks"], as: "customer:stu_1")
            #expect(try await campus.send(.get, path, as: "customer:stu_1", ifNoneMatch: tag).status == 200)
        }
    }

    @Test("No two states of a case and its refunds have the same tag")
    func tags() {
        let file = { (version: Int64, refunds: [Int64]) in
            var subject = Examples.makeCase(status: .executing)
            subject.version = version
            let all = refunds.map { version in
                var refund = Examples.makeRefund(status: .processing)
                refund.version = version
                return refund
            }
            return CaseFile(subject: subject, items: [], decision: nil, refunds: all).etag
        }
        // Each of these sums to eight.
        let tags = [file(8, []), file(4, [4]), file(3, [5]), file(3, [4, 1]), file(3, [1, 4])]
        #expect(Set(tags).count == tags.count)
    }

    @Test("What is read of a case by several statements is of one moment")
    func oneMoment() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService, size: 1)
            let requests = RequestTransaction(pool: pool, idempotency: IdempotencyStore(owner: .afterSales)) {}
            let isolation = try await requests.read { session in
                try session.one("show transaction_isolation") { row in try row[0] as String }
            }
            #expect(isolation == "repeatable read")
        }
    }

    @Test("A decision's answer shows every refund of the case, as reading it does")
    func decidingAgain() async throws {
        try await TestCampus.run { campus in
            let payment = PaymentFixture(transaction: "txn_SANDBOX-CLOSED_3")
            let order = try await OrderFixture(minutesLate: 20, payments: [payment]).insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            try await campus.awaitCase(opened.id, "the case is reopened") { $0["status"] == "in_review" }
            let decided = try await campus.send(
                .post,
                "/v1/desk/cases/\(opened.id)/decide",
                ["verdict": "approved", "reasons": [["zh-CN": "好", "en": "Yes"]]],
                as: "agent:kf_1"
            )
            #expect(decided["refunds"]?.array?.map { $0["status"] } == ["closed", "created"])
        }
    }
}
