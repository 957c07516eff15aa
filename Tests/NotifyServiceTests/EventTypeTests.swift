import ArgumentParser
import Foundation
import Model
import ServiceKit
import TestSupport
import Testing

@testable import NotifyService

@Suite("The event catalogue")
struct EventTypeTests {
    /// Every change that the services' own encoders can write, with and without what may be missing.
    private static let orders: [OrderEvent] = [
        OrderChange.placed, .paid(payment: Samples.payment, channel: .wechat), .accepted, .rejected(reason: "卖完了"),
        .ready,
        .pickedUp, .delivered(handover: .locker), .completed,
        .cancelled(reason: "改主意了", by: Actor(role: .customer, id: "stu_1")),
        .refundDue(RefundDue(paymentID: Samples.payment, cause: .duplicate, amount: Money(fen: 1))),
        .exceptionReported(kind: .spilled, by: Actor(role: .rider, id: "r_1")), .anomalyDetected(kind: "silence"),
    ].flatMap { change -> [OrderEvent] in
        let whole = Samples.order(change, id: .random())
        var bare = whole
        bare.facts.externalID = nil
        bare.facts.shortNumber = nil
        bare.facts.riderID = nil
        return [whole, bare]
    }

    private static let cases: [CaseEvent] = [
        CaseChange.opened, .evidenceRequested, .merchantAsked, .reviewStarted,
        .decided(verdict: .partlyApproved, reasons: [LocalizedText(zhCN: "超时", en: "late")]), .offerMade, .appealed,
        .withdrawn, .resolved(returnedCoupons: ["c_1"]), .closed, .commented,
    ].flatMap { change -> [CaseEvent] in
        let whole = Samples.afterSales(change, approved: 5)
        var bare = whole
        bare.facts.externalID = nil
        bare.facts.riderID = nil
        bare.facts.approved = nil
        return [whole, bare]
    }

    private static let bareRequest = RefundRequest(
        outTradeNumber: nil,
        merchantAccount: nil,
        subMerchantAccount: nil,
        paymentAmount: Money(fen: 1),
        payerAmount: nil,
        reason: nil
    )

    private static let refunds: [RefundEvent] = [
        RefundChange.created, .requested(Samples.refundRequest), .requested(bareRequest), .processing, .succeeded,
        .failed(code: "NOT_ENOUGH"), .abnormal(code: "CARD_DEAD"), .unknown, .closed,
    ].flatMap { change -> [RefundEvent] in
        let whole = Samples.refund(change)
        var bare = whole
        bare.facts.externalID = nil
        return [whole, bare]
    }

    private static let erasure = ErasureRequest(
        id: .random(),
        party: Party(kind: .customer, id: "stu_1"),
        requestedAt: Samples.time,
        isTest: true
    )

    @Test("What is sent by webhook and in the feed is as the catalogue says: every type, no member more and none less")
    func sent() async throws {
        try await WebhookReceiver.run { receiver in
            try await NotifyCampus.run { campus in
                let endpoint = try await campus.subscribe(receiver.url)
                try await campus.append(Self.orders)
                try await campus.append(
                    Self.cases.map { $0.recorded(in: campus.id) } + Self.refunds.map { $0.recorded(in: campus.id) }
                        + [Self.erasure.recorded(in: campus.id)],
                    to: .afterSales
                )
                #expect(try await campus.post("/v1/webhook-endpoints/\(endpoint.id)/test").status == 202)
                let count = Self.orders.count + Self.cases.count + Self.refunds.count + 1
                try await receiver.wait(for: count + 1)
                let items = try await campus.waitForFeed(count)
                #expect(items.count == count)
                let hooks = receiver.received.value.map(\.json)
                let catalogue = Dictionary(uniqueKeysWithValues: EventDescription.all.map { ($0.type, $0) })
                for event in hooks + items {
                    let description = try #require(catalogue[event["type"]?.string ?? ""])
                    #expect(description.schema.validate(event).isEmpty, "\(event.text)")
                    #expect(event["test"] == true)
                }
                #expect(Set(hooks.compactMap { $0["type"]?.string }) == Set(catalogue.keys), "every type was sent")
                let inFeed = Set(catalogue.keys).subtracting(["webhook.test"])
                #expect(Set(items.compactMap { $0["type"]?.string }) == inFeed)
            }
        }
    }

    @Test(
        "An event with a member more, one less, or one of another type is not as the catalogue says",
        arguments: orders
    )
    func refused(event: OrderEvent) throws {
        let published = PublishedEvent(
            name: EventName(1),
            type: event.type.rawValue,
            occurredAt: Samples.time,
            isTest: true,
            data: event.json
        )
        let description = try #require(EventDescription(event.type))
        #expect(description.schema.validate(published.json).isEmpty)
        let whole = try #require(published.json.object)
        let data = try #require(event.json.object)
        func validate(_ data: JSONObject) -> [Fault] {
            var changed = whole
            changed["data"] = .object(data)
            return description.schema.validate(.object(changed))
        }
        for name in data.members.map(\.name) {
            var less = data
            less[name] = nil
            #expect(validate(less).map(\.pointer) == ["/data/\(name)"])
            var other = data
            other[name] = .array([])
            #expect(validate(other).map(\.pointer) == ["/data/\(name)"])
        }
        var more = data
        more["phone"] = "13800000000"
        #expect(validate(more).map(\.pointer) == ["/data/phone"])
    }

    @Test("It has every type that platforms can be sent, and only those can be subscribed to")
    func complete() {
        let types = Set(EventDescription.all.map(\.type))
        #expect(types.count == EventDescription.all.count)
        let promised = Set(EventType.allCases.filter(\.isPublic).map(\.rawValue))
        #expect(promised.subtracting(types) == ["compensation.granted"], "nothing grants compensation yet")
        #expect(types.subtracting(promised) == ["webhook.test"])
    }

    @Test("Anyone may read it")
    func listed() async throws {
        try await NotifyCampus.run { campus in
            let response = try await campus.get("/v1/event-types")
            #expect(response.status == 200)
            let items = response["items"]?.array ?? []
            #expect(items.count == EventDescription.all.count)
            let paid = try #require(items.first { $0["type"] == "order.paid" })
            #expect(paid["summary"]?["zh-CN"] == "订单已付清")
            #expect(paid["schema"]?["$schema"] == "https://json-schema.org/draft/2020-12/schema")
            #expect(paid["schema"]?["properties"]?["data"]?["properties"]?["payment_id"]?["format"] == "uuid")
        }
    }

    @Test("The files in docs/integrate are what the catalogue writes", arguments: EventCatalogue.files)
    func documented(file: EventCatalogue.File) throws {
        let text = try Repository.text(of: "docs/integrate/\(file.path)")
        #expect(text == file.text, "write it anew: NotifyService event-catalogue")
    }

    @Test("The command writes them, and nothing else lies where they are")
    func command() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "event-catalogue-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        try EventCatalogueCommand.parse([folder.path()]).run()
        for file in EventCatalogue.files {
            #expect(try String(contentsOf: folder.appending(path: file.path), encoding: .utf8) == file.text)
        }
        let documented = Repository.root.appending(path: "docs/integrate/events")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: documented.path()).sorted()
                == FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "events").path()).sorted()
        )
    }
}
