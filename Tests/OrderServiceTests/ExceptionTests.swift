import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import OrderService

@Suite("What goes wrong on the way, and what becomes of lines")
struct ExceptionTests {
    @Test("exceptions and facts of lines are kept, and seen")
    func exceptionsAndFacts() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await campus.move(order, "pay", "accept", "ready", "pickup")
            let exception = try await campus.post(
                "/v1/orders/\(order)/exceptions",
                ["kind": "spilled", "note": "大雨"],
                as: "rider:r_1"
            )
            #expect(exception.status == 201)
            #expect(exception["reported_by"] == "rider:r_1")
            let at = Timestamp(seconds: 1_772_337_900)
            let reported = try await campus.post(
                "/v1/orders/\(order)/exceptions",
                ["kind": "gate_closed", "at": .string(at.rfc3339)]
            )
            #expect(reported["at"]?.string == at.rfc3339)
            #expect(
                try await campus.exceptions(of: order) == [
                    StoredException(
                        id: exception.id,
                        kind: "spilled",
                        note: "大雨",
                        by: "rider:r_1",
                        at: exception["at"]
                    ),
                    StoredException(id: reported.id, kind: "gate_closed", by: "platform:app", at: reported["at"]),
                ]
            )
            #expect(try await campus.events(of: order).last == "order.exception_reported")
            let facts = try await campus.send(
                .put,
                "/v1/orders/\(order)/lines/2/facts",
                ["opened": true],
                as: "merchant:m_1"
            )
            #expect(facts["lines"]?.array?[1]["facts"] == ["used": .null, "opened": true, "activated": .null])
            #expect(try await campus.send(.put, "/v1/orders/\(order)/lines/3/facts", ["opened": true]).status == 404)
            #expect(try await campus.send(.put, "/v1/orders/\(order)/lines/2/facts", [:]).status == 422)
            #expect(try await campus.get("/v1/orders/\(order)")["version"] == 8)
        }
    }
}

/// A row of `order_exception`.
private struct StoredException: Hashable {
    var id: String
    var kind: String
    var note: String?
    var by: String
    var at: JSON?
}

extension TestCampus {
    /// What was reported to have gone wrong with an order, first to last.
    fileprivate func exceptions(of order: String) async throws -> [StoredException] {
        let key = OrderKey(campus: id, id: try #require(OrderID(order)))
        return try await pool.autocommit { session in
            try session.query(
                """
                select id, kind, note, reported_by, at from campus.order_exception
                where campus_id = \(key.campus) and order_id = \(key.id) order by id
                """
            ) { row in
                let id: AnyID = try row[0]
                let at: Timestamp = try row[4]
                return StoredException(
                    id: id.description,
                    kind: try row[1],
                    note: try row[2],
                    by: try row[3],
                    at: .string(at.rfc3339)
                )
            }
        }
    }
}
