import Hummingbird
import Model
import TestSupport
import Testing

@testable import NotifyService

@Suite("Webhooks of several campuses", .timeLimit(.minutes(2)))
struct WebhookShareTests {
    @Test("A campus whose endpoints all hang leaves half of the workers to others")
    func hangingCampus() async throws {
        let isOver = Box(false)
        // So long that whoever waits for the hanging endpoints misses the end of the test.
        try await QuickNotify.$timing.withValue(WebhookTiming(deadline: .seconds(600), haste: 1)) {
            try await WebhookReceiver.run { hook, _ in
                if hook.path.hasPrefix("/hang") {
                    try await eventually("the test is over", within: .seconds(600)) { isOver.value }
                }
                return Response(status: .noContent)
            } _: { receiver in
                defer { isOver.value = true }
                try await NotifyCampus.run(settings: ["WEBHOOK_CONCURRENCY": "4"]) { campus in
                    defer { isOver.value = true }
                    let other = try await campus.other()
                    for number in 0..<6 {
                        _ = try await campus.subscribe("http://127.0.0.1:\(receiver.port)/hang/\(number)")
                    }
                    let fine = try await other.subscribe(receiver.url)
                    try await campus.append((0..<4).map { _ in Samples.order(.accepted, id: .random()) })
                    try await receiver.wait(for: 2)
                    try await other.append([Samples.order(.accepted, id: .random())])
                    try await other.waitForDeliveries(1, of: fine.id, "delivered")
                    #expect(receiver.received.value.count { $0.path.hasPrefix("/hang") } == 2)
                }
            }
        }
    }

    @Test("An endpoint whose host is not of the public internet any more is not called, and its attempt says so")
    func inside() async throws {
        try await WebhookReceiver.run { receiver in
            try await withDatabase { database in
                let endpoint = Box("")
                let standing = Box<NotifyCampus?>(nil)
                try await NotifyCampus.serve(database) { instance in
                    let campus = try await NotifyCampus.seeded(database, instance)
                    endpoint.value = try await campus.subscribe(receiver.url).id
                    standing.value = campus
                }
                try await NotifyCampus.serve(database, allowLoopback: false) { instance in
                    let campus = try #require(standing.value).with(instance)
                    try await campus.append([Samples.order(.accepted, id: .random())])
                    try await eventually("it was tried") {
                        try await campus.deliveries(of: endpoint.value).first?["attempts"]?.array?.isEmpty == false
                    }
                    let attempt = try await campus.deliveries(of: endpoint.value)[0]["attempts"]?.array?[0]
                    #expect(attempt?["outcome"] == "failed")
                    #expect(attempt?["error"] == "the host has an address that is not of the public internet")
                }
            }
            #expect(receiver.received.value.isEmpty)
        }
    }
}
