import EventLog
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

@Suite("Batches of requests")
struct BatchTests {
    private let batch = OrderBatch(
        orders: OrderStore(),
        payments: PaymentStore(),
        events: EventStore(stream: .orders),
        timers: TimerStore(owner: .orders),
        idempotency: IdempotencyStore(owner: .orders)
    )

    /// A request as the controllers make it, under a key of its own.
    private func request(
        _ command: OrderCommand,
        _ order: OrderID,
        of campus: CampusID,
        now: Timestamp,
        payment: PaymentReport? = nil
    ) -> OrderRequest {
        OrderRequest(
            campus: campus,
            items: [OrderRequest.Item(order: order, command: command)],
            scope: .campus,
            context: Example.context(now: now),
            payment: payment,
            idempotency: IdempotencyKey(
                campus: campus,
                principal: "test",
                method: "POST",
                path: "/v1/orders/\(order)/\(command.action?.rawValue ?? "")",
                key: "k",
                bodySHA256: SHA256Digest(of: [])
            )
        ) { _ in .noContent }
    }

    private func payment(_ transaction: String, for order: OrderID, now: Timestamp) -> PaymentReport {
        let amount = Money(fen: 2_000)
        return PaymentReport(
            id: PaymentID.make(at: now),
            channel: .wechat,
            transactionID: transaction,
            amount: amount,
            paidAt: now - .seconds(5),
            allocations: [PaymentReport.Allocation(order: order, amount: amount)],
            references: PaymentReport.References()
        )
    }

    private func pay(_ order: OrderID, of campus: CampusID, now: Timestamp) -> OrderRequest {
        let report = payment("t-\(order)", for: order, now: now)
        return request(.pay(report.reported, amount: report.amount), order, of: campus, now: now, payment: report)
    }

    /// What the timer asks when nobody complained about a delivery.
    private func completion(of order: OrderID, campus: CampusID, now: Timestamp) -> OrderRequest {
        var request = request(.timeOut(.completion), order, of: campus, now: now)
        request.idempotency = nil
        request.timer = DueTimer(
            kind: OrderTimer.completion.rawValue,
            subject: order.retyped(),
            campus: campus,
            dueAt: Example.deadlines.completion,
            payload: [:],
            attempt: 1
        )
        return request
    }

    @Test("requests of several campuses in one batch are written each by its own clock")
    func clocks() async throws {
        try await TestCampus.run { campus in
            let other = try await campus.other()
            let orders = [
                try #require(OrderID(try await campus.place())), try #require(OrderID(try await other.place())),
            ]
            let near = Timestamp(seconds: 1_900_000_000)
            let far = Timestamp(seconds: 2_000_000_000)
            let requests = [pay(orders[0], of: campus.id, now: near), pay(orders[1], of: other.id, now: far)]
            let pool = try campus.database.pool(as: .orderService)
            let outcomes = try await pool.transaction { [batch] in try batch.run(requests, waits: false, in: $0) }
            #expect(outcomes.allSatisfy { if case .done = $0 { true } else { false } })
            for (id, order, now) in [(campus.id, orders[0], near), (other.id, orders[1], far)] {
                let times: [Timestamp] = try await campus.pool.autocommit { session in
                    try session.query(
                        """
                        select created_at from campus.payment where campus_id = \(id)
                        union all select updated_at from campus.orders where campus_id = \(id) and id = \(order)
                        union all select at + interval '5 s' from campus.order_timeline
                            where campus_id = \(id) and type = 'order.paid'
                        union all select occurred_at + interval '5 s' from campus.orders_event
                            where campus_id = \(id) and type = 'order.paid'
                        """
                    ) { try $0[0] }
                }
                #expect(times == [now, now, now, now])
            }
        }
    }

    @Test("placing is one round trip; paying, moving on and firing a timer are two")
    func roundTrips() async throws {
        try await TestCampus.run { campus in
            try await HalfOpenProxy.with(campus.database) { proxy in
                let pool = campus.database.pool(
                    try proxy.configuration(campus.database, as: .orderService),
                    PoolConfiguration(size: 1, waitTimeout: .seconds(60))
                )
                let now = SystemWallClock().now()
                let order = OrderID.make(at: now)
                var terms = try Example.terms()
                terms.externalID = "A-1"
                let placed = Order.placed(terms, id: order, campus: campus.id, in: Example.context(now: now))
                let new = try NewOrder(
                    placed,
                    key: try #require(request(.complete, order, of: campus.id, now: now).idempotency),
                    actor: Actor(role: .platform, id: "app"),
                    trace: nil
                )
                // A first statement opens the connection.
                try await pool.autocommit { try $0.execute("select 1") }
                var before = proxy.roundTripCount
                _ = try await pool.autocommit { try OrderStore().place([new], in: $0) }
                #expect(proxy.roundTripCount - before == 1)
                let requests = [
                    pay(order, of: campus.id, now: now),
                    request(.accept, order, of: campus.id, now: now + .seconds(1)),
                    request(.ready, order, of: campus.id, now: now + .seconds(2)),
                    request(.pickUp(Example.rider), order, of: campus.id, now: now + .seconds(3)),
                    request(.deliver(Handover(kind: .door)), order, of: campus.id, now: now + .seconds(4)),
                    completion(of: order, campus: campus.id, now: now + .seconds(5)),
                ]
                for request in requests {
                    before = proxy.roundTripCount
                    let outcomes = try await pool.transaction { [batch] in
                        try batch.run([request], waits: request.timer != nil, in: $0)
                    }
                    #expect(proxy.roundTripCount - before == 2, "\(request.items[0].command)")
                    guard case .done = outcomes[0] else {
                        Issue.record("\(outcomes[0])")
                        continue
                    }
                }
                let read = try await campus.get("/v1/orders/\(order)")
                #expect(read["status"] == "completed" && read["version"] == 7)
                #expect(try await campus.events(of: "\(order)").count == 7)
                #expect(try await campus.timers(of: "\(order)").isEmpty)
            }
        }
    }

    @Test("what collides with another report of its payment is tried again, three times alone")
    func attempts() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            // The first try is in a batch; the collisions end with the third that is alone.
            try await campus.pool.autocommit { session in
                try session.execute(
                    script: """
                        create sequence campus.collision;
                        grant usage on campus.collision to order_service;
                        create function campus.collide() returns trigger language plpgsql as $$
                        begin
                            if nextval('campus.collision') <= 3 then
                                raise exception 'reported meanwhile' using
                                    errcode = 'unique_violation', constraint = 'payment_transaction_unique';
                            end if;
                            return new;
                        end
                        $$;
                        grant execute on function campus.collide() to order_service;
                        create trigger collide before insert on campus.payment
                            for each row execute function campus.collide();
                        """
                )
            }
            let paid = try await campus.pay(order)
            #expect(paid.status == 200, "\(paid.body)")
            #expect(paid["status"] == "paid")
        }
    }
}
