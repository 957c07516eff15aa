import EventLog
import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import NotifyService

@Suite("Forgetting somebody", .timeLimit(.minutes(5)))
struct ErasureTests {
    private static let reason = "call me at 13800138000"

    private func erase(_ party: Party, _ campus: NotifyCampus, at time: Timestamp) async throws {
        let request = ErasureRequest(id: .random(), party: party, requestedAt: time, isTest: true)
        let id = campus.id
        try await campus.database.pool(as: .afterSalesService, size: 1).transaction { session in
            try EventStore(stream: .afterSales).append(
                [
                    NewEvent(
                        type: request.type,
                        campus: id,
                        subject: request.id.retyped(),
                        version: 1,
                        root: request.id.retyped(),
                        actor: .system("test"),
                        at: time,
                        payload: request.json
                    )
                ],
                in: session
            )
        }
        campus.instance.ticker.hint()
        let pool = try campus.database.pool(as: .notifyService, size: 1)
        try await eventually("the erasure is done") {
            try await pool.autocommit { session in
                try ErasureStore(owner: .notifications).find(request.id, in: id, session: session)?.doneAt != nil
            }
        }
    }

    @Test("Contact and inbox go, others keep theirs, and late news bring nothing back")
    func customer() async throws {
        try await NotifyCampus.run { campus in
            let now = SystemWallClock().now()
            let path = "/v1/contacts/customer/stu_1"
            _ = try await campus.send(.put, path, ["phone": "13800138000"])
            _ = try await campus.send(.put, "/v1/contacts/customer/stu_2", ["phone": "13900139000"])
            try await cancel([(.random(), "stu_1"), (.random(), "stu_2")], campus)

            try await erase(Party(kind: .customer, id: "stu_1"), campus, at: now + .seconds(1))
            let erased = try await campus.get(path)
            #expect(erased["phone"] == .null)
            #expect(erased["erased_at"] != .null)
            #expect(try await campus.get("/v1/contacts/customer/stu_2")["phone"] == "139****9000")
            #expect(try await campus.get("/v1/inbox", as: "customer:stu_1")["items"] == [])
            #expect(try await campus.get("/v1/inbox/unread", as: "customer:stu_1")["unread"] == 0)
            #expect(try await campus.get("/v1/inbox", as: "customer:stu_2")["items"]?.array?.count == 1)

            // Written down before the request, sent after it.
            let late = try await campus.send(
                .put,
                path,
                ["phone": "13800138000", "updated_at": "2026-03-01T04:00:00Z"]
            )
            #expect(late["phone"] == .null)
            try await campus.tell(1, at: now + .seconds(60))
            try await campus.waitForInbox(of: campus.customer(), lines: 2)
            #expect(try await campus.get("/v1/inbox?after=1", as: "customer:stu_1").numbers == [2])
        }
    }

    @Test("A contact whose time is a little ahead of the request stays erased when it is sent once more")
    func sentAgain() async throws {
        try await NotifyCampus.run { campus in
            let now = SystemWallClock().now()
            let path = "/v1/contacts/customer/stu_1"
            let facts: JSON = ["phone": "13800138000", "updated_at": .string((now + .seconds(30)).rfc3339)]
            #expect(try await campus.send(.put, path, facts)["phone"] == "138****8000")
            try await erase(Party(kind: .customer, id: "stu_1"), campus, at: now)
            let again = try await campus.send(.put, path, facts)
            #expect(again["phone"] == .null)
            #expect(again["erased_at"] == again["updated_at"])
            let new: JSON = ["phone": "13900139000", "updated_at": .string((now + .seconds(31)).rfc3339)]
            #expect(try await campus.send(.put, path, new)["phone"] == "139****9000")
        }
    }

    private func request(_ party: Party) -> RecordedEvent {
        let request = ErasureRequest(id: .random(), party: party, requestedAt: Samples.time, isTest: true)
        return RecordedEvent(
            id: 7,
            stream: .afterSales,
            type: request.type.rawValue,
            campus: Samples.campus,
            subject: request.id.retyped(),
            version: 1,
            root: request.id.retyped(),
            actor: "system:test",
            occurredAt: Samples.time,
            recordedAt: Samples.time,
            trace: nil,
            payload: request.json
        )
    }

    @Test("The same request read twice erases once")
    func once() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService)
            let event = request(Party(kind: .rider, id: "r_1"))
            let erase = ErasePersons(clock: ManualClock())
            let first = try await pool.transaction { try erase.handle([event], in: $0) }
            let second = try await pool.transaction { try erase.handle([event], in: $0) }
            #expect(first.map(\.party) == [Party(kind: .rider, id: "r_1")])
            #expect(second.isEmpty)
        }
    }

    @Test("What happened before a request and is read after it is not filed, and takes no number")
    func lagging() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService)
            @Sendable
            func event(_ id: Int64, _ customer: String, at time: Timestamp) -> RecordedEvent {
                FanOutTests.event(id, Samples.order(.accepted, id: .random(), customer: customer), at: time)
            }
            func lines(of customer: String) async throws -> (state: InboxState, items: [InboxItem]) {
                let recipient = Recipient(campus: Samples.campus, kind: .customer, id: customer)
                return try await pool.autocommit { try InboxStore().read(.after(0), of: recipient, limit: 9, in: $0) }
            }
            let earlier = Samples.time - .seconds(60)
            let erasure = request(Party(kind: .customer, id: "stu_1"))
            _ = try await pool.transaction { try FanOut().handle([event(1, "stu_1", at: earlier)], in: $0) }
            _ = try await pool.transaction { try ErasePersons(clock: ManualClock()).handle([erasure], in: $0) }

            let only = [event(2, "stu_1", at: earlier)]
            #expect(try await pool.transaction { try FanOut().handle(only, in: $0) }.advanced.isEmpty)
            let batch = [
                event(3, "stu_1", at: earlier), event(4, "stu_2", at: earlier),
                event(5, "stu_1", at: Samples.time + .seconds(1)), event(6, "stu_1", at: Samples.time),
                event(8, "stu_2", at: Samples.time), event(9, "stu_1", at: Samples.time + .seconds(2)),
            ]
            let effect = try await pool.transaction { try FanOut().handle(batch, in: $0) }
            #expect(effect.advanced.map(\.seq).sorted() == [2, 3])
            let erased = try await lines(of: "stu_1")
            #expect(erased.items.map(\.seq) == [2, 3])
            #expect(erased.items.map(\.eventID) == [5, 9])
            #expect(erased.state.position.seq == 3)
            #expect(erased.state.unread == 2)
            #expect(try await lines(of: "stu_2").items.map(\.eventID) == [4, 8])
        }
    }

    @Test(
        "A line that is being filed while its recipient is erased goes as well, be it their first",
        arguments: [true, false]
    )
    func meanwhile(isFirst: Bool) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService)
            @Sendable
            func event(_ id: Int64) -> RecordedEvent {
                FanOutTests.event(id, Samples.order(.accepted, id: .random()), at: Samples.time)
            }
            let erasure = request(Party(kind: .customer, id: "stu_1"))
            if !isFirst { _ = try await pool.transaction { try FanOut().handle([event(1)], in: $0) } }
            let (isFiled, isOver) = (Flag(), Flag())
            async let filing: Void = pool.transaction { session in
                _ = try FanOut().handle([event(2)], in: session)
                isFiled.set()
                try session.stayOpen(until: isOver)
            }
            try await eventually("the line is filed, and not committed") { isFiled.value }
            async let erasing = pool.transaction { try ErasePersons(clock: ManualClock()).handle([erasure], in: $0) }
            try await pool.waitForLockWaits()
            isOver.set()
            try await filing
            #expect(try await erasing.count == 1)
            let left: Int64 = try await pool.autocommit { session in
                try session.one("select count(*) from campus.inbox where recipient_kind = 'customer'") { try $0[0] }
            }
            #expect(left == 0)
        }
    }

    @Test("Why an order was cancelled goes with the order, wherever it was told; what is said of others stays")
    func words() async throws {
        try await NotifyCampus.run { campus in
            _ = try await campus.post(
                "/v1/webhook-endpoints",
                ["url": "http://127.0.0.1:9/nobody", "event_types": ["order.*"]]
            )
            let mine = OrderID.random()
            try await cancel([(mine, "stu_1"), (.random(), "stu_2")], campus)
            let id = campus.id
            let erased: Int64 = try await campus.database.pool(as: .orderService, size: 1).autocommit { session in
                try session.one("select campus.erase_orders(\(id), 'customer', \([mine]), now())") { try $0[0] }
            }
            #expect(erased == 1)
            for copy: SQL in [
                "select data ->> 'reason' from campus.inbox where recipient_kind = 'merchant'",
                "select data ->> 'reason' from campus.webhook_delivery",
                "select payload ->> 'reason' from campus.orders_event",
            ] {
                #expect(try await texts(copy, campus).sorted() == ["(erased)", Self.reason], "\(copy)")
            }
            let feed = try await campus.get("/v1/events?order_id=\(mine)")
            #expect(feed["items"]?.array?.first?["data"]?["reason"] == "(erased)")
        }
    }

    /// Orders of a shop that their customers cancelled, and told so.
    private func cancel(_ orders: [(OrderID, String)], _ campus: NotifyCampus) async throws {
        try await insert(orders, campus)
        try await campus.append(
            orders.map { order, customer in
                let change = OrderChange.cancelled(reason: Self.reason, by: Actor(role: .customer, id: customer))
                return Samples.order(change, id: order, customer: customer)
            }
        )
        let shop = Recipient(campus: campus.id, kind: .merchant, id: "shop_1")
        try await campus.waitForInbox(of: shop, lines: Int64(orders.count))
        try await campus.waitForInbox(of: campus.customer(), lines: 1)
    }

    private func texts(_ sql: SQL, _ campus: NotifyCampus) async throws -> [String] {
        try await campus.database.pool().autocommit { session in try session.query(sql) { try $0[0] } }
    }

    private func insert(_ orders: [(OrderID, String)], _ campus: NotifyCampus) async throws {
        let id = campus.id
        try await campus.database.pool(as: .orderService, size: 1).transaction { session in
            for (order, customer) in orders {
                try session.execute(
                    """
                    insert into campus.orders (
                        campus_id, id, source, status, version, customer_id, merchant_id, merchant_name, lines, discounts,
                        delivery_fen, packaging_fen, delivery_payable_fen, packaging_payable_fen, lines_fen, fees_fen,
                        discount_fen, payable_fen, paid_fen, dropoff, promised_at, placed_at, updated_at, cancelled_at,
                        cancelled_by, cancel_reason
                    ) values (
                        \(id), \(order), 'own', 'cancelled', 2, \(customer), 'shop_1', 'Shop', '[]', '[]', 0, 0, 0, 0, 0, 0, 0, 0,
                        0, '{"address": "x"}', now(), now(), now(), now(), 'customer:x', 'x'
                    )
                    """
                )
            }
        }
    }
}
