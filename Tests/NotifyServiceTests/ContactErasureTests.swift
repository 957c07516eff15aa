import EventLog
import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import NotifyService

@Suite("Contacts of people who were forgotten", .timeLimit(.minutes(5)))
struct ContactErasureTests {
    private func path(_ id: String) -> String { "/v1/contacts/customer/\(id)" }

    private func facts(_ time: Timestamp) -> JSON {
        ["phone": "13800138000", "updated_at": .string(time.rfc3339)]
    }

    /// Has what is known of a customer erased, as somebody asked at that time.
    private func erase(_ id: String, _ campus: NotifyCampus, at time: Timestamp) async throws {
        let party = Party(kind: .customer, id: id)
        let request = ErasureRequest(id: .random(), party: party, requestedAt: time, isTest: true)
        let event = NewEvent(
            type: request.type,
            campus: campus.id,
            subject: request.id.retyped(),
            version: 1,
            root: request.id.retyped(),
            actor: .system("test"),
            at: time,
            payload: request.json
        )
        try await campus.append([event], to: .afterSales)
        let pool = try campus.database.pool(as: .notifyService, size: 1)
        let place = campus.id
        try await eventually("the erasure is done") {
            try await pool.autocommit { session in
                try ErasureStore(owner: .notifications).find(request.id, in: place, session: session)?.doneAt != nil
            }
        }
    }

    @Test("What platforms whose clocks are up to a minute ahead wrote down before a request goes; what is newer stays")
    func ahead() async throws {
        try await NotifyCampus.run { campus in
            let now = SystemWallClock().now()
            let known = facts(now + .seconds(50))
            for id in ["stu_1", "stu_2"] { #expect(try await campus.send(.put, path(id), known).status == 200) }
            try await erase("stu_1", campus, at: now - .seconds(10))
            try await erase("stu_2", campus, at: now - .seconds(11))
            let erased = try await campus.get(path("stu_1"))
            #expect(erased["phone"] == .null && erased["erased_at"] != .null)
            let kept = try await campus.get(path("stu_2"))
            #expect(kept["phone"] == "138****8000" && kept["erased_at"] == .null)
            // Sent once more, because the platform did not get the answer.
            #expect(try await campus.send(.put, path("stu_1"), known)["phone"] == .null)
        }
    }

    @Test(
        "A contact that is deleted after an erasure leaves behind that it was erased: what is older does not come back"
    )
    func deleted() async throws {
        try await NotifyCampus.run { campus in
            let now = SystemWallClock().now()
            let path = path("stu_1")
            _ = try await campus.send(.put, path, facts(now - .seconds(3_600)))
            try await erase("stu_1", campus, at: now - .seconds(1_800))
            #expect(try await campus.send(.delete, path).status == 404, "there is nothing more to delete")
            #expect(try await campus.send(.put, path, facts(now - .seconds(3_600)))["phone"] == .null)

            #expect(try await campus.send(.put, path, facts(now))["phone"] == "138****8000", "it is given anew")
            #expect(try await campus.send(.delete, path).status == 204)
            for age: Int64 in [3_600, 900] {
                let late = try await campus.send(.put, path, facts(now - .seconds(age)))
                #expect(late.status == 200 && late["phone"] == .null && late["erased_at"] != .null, "\(late.body)")
            }
            #expect(try await campus.get(path)["phone"] == .null)
        }
    }
}
