import EventLog
import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import OrderService

@Suite("Reading orders")
struct ReadingTests {
    @Test("an order is shown as it stood at one moment, with its payments and the facts of its lines")
    func oneMoment() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            let id = try #require(OrderID(order))
            try await campus.pay(order, "t0", 500)
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Settles the order while somebody is held up reading it.
                group.addTask {
                    try await campus.pool.transaction { session in
                        try session.execute(
                            "lock table campus.payment_allocation, campus.order_line_fact in access exclusive mode"
                        )
                        try session.execute(
                            script: """
                                do $$
                                begin
                                    while not exists (
                                        select from pg_locks l join pg_stat_activity a using (pid)
                                        where not l.granted and a.usename = 'order_service' and a.datname = current_database()
                                    ) loop
                                        perform pg_sleep(0.005);
                                    end loop;
                                end
                                $$
                                """
                        )
                        let payment = PaymentID.make(at: Timestamp(seconds: 1_772_337_000))
                        try session.pipeline([
                            """
                            insert into campus.payment
                                (campus_id, id, channel, transaction_id, amount_fen, paid_at, created_at)
                            values (\(campus.id), \(payment), 'wechat', 't1', 1500, now(), now())
                            """,
                            """
                            insert into campus.payment_allocation (campus_id, payment_id, order_id, purpose, amount_fen)
                            values (\(campus.id), \(payment), \(id), 'settles', 1500)
                            """,
                            """
                            update campus.orders set status = 'paid', version = 3, paid_fen = 2000, paid_at = now()
                            where campus_id = \(campus.id) and id = \(id)
                            """,
                        ])
                    }
                }
                group.addTask {
                    let read = try await campus.get("/v1/orders/\(order)")
                    #expect(read["status"] == "paid")
                    #expect(read["totals"]?["paid_fen"] == 2_000)
                    #expect(read.headers[.eTag] == "\"v3\"")
                    #expect(read["payments"]?.array?.compactMap { $0["amount_fen"]?.integer } == [500, 1_500])
                    #expect(read["payments"]?.array?.last?["transaction_id"] == "t1")
                }
                try await group.waitForAll()
            }
        }
    }

    /// What is listed, and the index that leads to it.
    private static func lists(_ campus: CampusID) -> [(filter: OrderFilter, index: String)] {
        let all = OrderFilter(campus: campus, limit: 20)
        func list(_ change: (inout OrderFilter) -> Void) -> OrderFilter {
            var filter = all
            change(&filter)
            return filter
        }
        return [
            (all, "orders_pkey"),
            (list { $0.externalID = "A-77" }, "orders_external_id_unique"),
            (list { $0.customerID = "stu_7" }, "orders_by_customer"),
            (list { $0.ownerID = "stu_7" }, "orders_by_customer"),
            (list { $0.merchantID = "m_7" }, "orders_by_merchant"),
            (list { $0.shopID = "m_7" }, "orders_by_merchant"),
            (list { $0.status = .accepted }, "orders_by_status"),
            (list { $0.riderID = "r_7" }, "orders_by_rider"),
            (list { $0.updatedSince = Timestamp(seconds: 1_772_400_000) }, "orders_by_campus"),
        ]
    }

    @Test("each list finds its rows by an index of its own, and never reads the whole table")
    func indexes() async throws {
        try await TestCampus.run { campus in
            let plans: [(String, String)] = try await campus.pool.transaction { session in
                try session.execute(Self.manyOrders(campus.id))
                try session.execute("analyze campus.orders")
                return try Self.lists(campus.id).map { filter, index in
                    let plan: [String] = try session.query("explain \(OrderStore().listing(filter))") { try $0[0] }
                    return (index, plan.joined(separator: "\n"))
                }
            }
            for (index, plan) in plans {
                #expect(plan.contains(index), "\(index)\n\(plan)")
                #expect(!plan.contains("Seq Scan"), "\(plan)")
            }
        }
    }

    /// Orders of many customers, shops and riders, nearly all of them over.
    private static func manyOrders(_ campus: CampusID) -> SQL {
        """
        insert into campus.orders (
            campus_id, id, external_id, source, status, version, customer_id, merchant_id, merchant_name, rider_id, lines,
            discounts, delivery_fen, packaging_fen, delivery_payable_fen, packaging_payable_fen, lines_fen, fees_fen,
            discount_fen, payable_fen, paid_fen, dropoff, promised_at, placed_at, picked_up_at, delivered_at, completed_at,
            updated_at
        )
        select \(campus), md5(n::text)::uuid, 'A-' || n, 'own',
            case when n % 100 = 0 then 'accepted' else 'completed' end, 1, 'stu_' || n % 500, 'm_' || n % 500, 'Canteen',
            case when n % 100 <> 0 then 'r_' || n % 500 end, '[]', '[]', 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}', at, at,
            case when n % 100 <> 0 then at end, case when n % 100 <> 0 then at end,
            case when n % 100 <> 0 then at end, at
        from generate_series(1, 20000) n
        cross join lateral (select to_timestamp(1772000000 + n * 30) as at) t
        """
    }
}
