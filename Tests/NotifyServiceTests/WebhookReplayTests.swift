import HTTPTypes
import Hummingbird
import Model
import Postgres
import TestSupport
import Testing

@testable import NotifyService

@Suite("Webhooks are sent again on request")
struct WebhookReplayTests {
    @Test("A replay beside a running schedule is one attempt more and leaves the schedule alone")
    func replayWhilePending() async throws {
        try await QuickNotify.$timing.withValue(WebhookTiming(deadline: .seconds(30), haste: 1)) {
            try await WebhookReceiver.run { _, _ in
                Response(status: .badGateway)
            } _: { receiver in
                try await NotifyCampus.run { campus in
                    let endpoint = try await campus.subscribe(receiver.url)
                    try await campus.append([Samples.order(.accepted, id: .random())])
                    try await eventually("the first attempt is written down") {
                        try await campus.deliveries(of: endpoint.id).first?["attempts"]?.array?.count == 1
                    }
                    let planned = try await campus.deliveries(of: endpoint.id)[0]["next_attempt_at"]?.string
                    #expect(planned != nil)
                    let event = receiver.received.value[0].id
                    for count in 2...3 {
                        let answer = try await campus.post(
                            "/v1/webhook-endpoints/\(endpoint.id)/replay",
                            ["event_id": .string(event)]
                        )
                        #expect(answer.status == 202)
                        try await eventually("attempt \(count) is written down") {
                            try await campus.deliveries(of: endpoint.id)[0]["attempts"]?.array?.count == count
                        }
                    }
                    let delivery = try await campus.deliveries(of: endpoint.id)[0]
                    #expect(delivery["status"] == "pending")
                    #expect(delivery["next_attempt_at"]?.string == planned)
                }
            }
        }
    }

    @Test("A replay of what was not delivered stops once another attempt has delivered it")
    func deliveredMeanwhile() async throws {
        let isUp = Box(false)
        try await QuickNotify.$timing.withValue(WebhookTiming(deadline: .seconds(30), haste: 5)) {
            try await WebhookReceiver.run { _, _ in
                Response(status: isUp.value ? .ok : .badGateway)
            } _: { receiver in
                try await NotifyCampus.run { campus in
                    let endpoint = try await campus.subscribe(receiver.url)
                    let pool = try campus.database.pool(size: 1)
                    try await campus.append([Samples.order(.accepted, id: .random())])
                    try await receiver.wait(for: 1)
                    try await eventually("the first attempt is written down") {
                        try await campus.deliveries(of: endpoint.id).first?["attempts"]?.array?.count == 1
                    }
                    // As though the schedule had ended.
                    try await pool.transaction { session in
                        try session.execute("delete from campus.notifications_task")
                        try session.execute("delete from campus.notifications_lane")
                        try session.execute("update campus.webhook_delivery set status = 'dead', settled_at = now()")
                    }
                    let event = receiver.received.value[0].id
                    let path = "/v1/webhook-endpoints/\(endpoint.id)/replay"
                    #expect(try await campus.post(path, ["event_id": .string(event)]).status == 202)
                    try await eventually("the replay's first attempt is written down") {
                        try await campus.deliveries(of: endpoint.id).first?["attempts"]?.array?.count == 2
                    }
                    try await pool.autocommit { session in
                        _ = try session.execute(
                            "update campus.webhook_delivery set status = 'delivered', settled_at = now()"
                        )
                    }
                    isUp.value = true
                    try await campus.waitUntilNothingIsOwed()
                    #expect(receiver.received.value.count == 2)
                }
            }
        }
    }

    @Test("A replay of what was delivered goes on until it is delivered again")
    func deliveredBefore() async throws {
        try await WebhookReceiver.run { _, before in
            Response(status: before == 1 ? .badGateway : .ok)
        } _: { receiver in
            try await NotifyCampus.run { campus in
                let endpoint = try await campus.subscribe(receiver.url)
                try await campus.append([Samples.order(.accepted, id: .random())])
                try await campus.waitForDeliveries(1, of: endpoint.id, "delivered")
                let event = receiver.received.value[0].id
                let answer = try await campus.post(
                    "/v1/webhook-endpoints/\(endpoint.id)/replay",
                    ["event_id": .string(event)]
                )
                #expect(answer.status == 202)
                try await receiver.wait(for: 3)
                try await campus.waitUntilNothingIsOwed()
                #expect(receiver.received.value.map(\.id) == [event, event, event])
            }
        }
    }
}

extension NotifyCampus {
    /// Waits until no task is left.
    func waitUntilNothingIsOwed() async throws {
        let pool = try database.pool(size: 1)
        try await eventually("nothing is left to do") {
            try await pool.autocommit { session in
                try session.one("select count(*) from campus.notifications_task") { try $0[0] as Int64 }
            } == 0
        }
        await pool.shutdown()
    }
}
