/// The limit that placing orders over HTTP is held against: one statement that writes the rows of one order.
enum PlaceOrderScript {
    /// An order, its timeline entry, event, payment timer and stored answer.
    static let rowsPerOrder = 5

    /// A script for pgbench: an order with two lines and what is written with it.
    ///
    /// Identifiers rise with time and numbers count up, as the service's do, so that indexes grow at their ends. The script's
    /// `number` is to be defined as 0.
    static func text(campus: BenchCampus) -> String {
        """
        \\set customer random(1, 1000)
        \\set number :number + 1
        with member as (
            select \(timeOrderedID) as id, 'bench-' || :client_id || '-' || :number as external_id, now() as at
        ),
        placed as (
            insert into campus.orders (
                campus_id, id, external_id, source, status, version, customer_id, merchant_id, merchant_name,
                lines, discounts, delivery_fen, packaging_fen, delivery_payable_fen, packaging_payable_fen, lines_fen,
                fees_fen, discount_fen, payable_fen, paid_fen, dropoff, promised_at, placed_at, updated_at
            )
            select '\(campus.id)', id, external_id, 'own', 'placed', 1, 'student-' || :customer, 'canteen-1', '一食堂',
                '\(lines)', '\(discounts)', 200, 100, 200, 100, 2200, 300, 300, 2200, 0,
                '{"address": "北区 3 栋 402"}', at + interval '30 minutes', at, at
            from member
        ),
        written as (
            insert into campus.order_timeline (campus_id, order_id, version, type, actor, at)
            select '\(campus.id)', id, 1, 'order.placed', 'platform:' || 'bench', at from member
        ),
        told as (
            insert into campus.orders_event
                (campus_id, type, subject_id, subject_version, root_id, actor, occurred_at, trace, payload)
            select '\(campus.id)', 'order.placed', id, 1, id, 'platform:' || 'bench', at, null, '\(event)' from member
        ),
        armed as (
            insert into campus.orders_timer (subject_id, kind, campus_id, due_at, payload)
            select id, 'payment_deadline', '\(campus.id)', at + interval '15 minutes', '{}' from member
        )
        insert into campus.orders_idempotency
            (campus_id, principal, method, path, key, body_sha256, status, headers, body)
        select '\(campus.id)', 'platform:' || 'bench', 'POST', '/v1/orders', external_id, sha256(external_id::bytea), 201, '{}',
            convert_to('\(answer)', 'UTF8')
        from member;
        """
    }

    /// A UUID of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds over a random one of version 4.
    private static let timeOrderedID = """
        encode(set_bit(set_bit(overlay(
            uuid_send(gen_random_uuid())
            placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6
        ), 52, 1), 53, 1), 'hex')::uuid
        """

    private static let lines = """
        [{"line_no": 1, "sku": "rice", "name": "红烧肉饭", "category": "meal", "unit_price_fen": 1500, "quantity": 1, \
        "gross_fen": 1500, "discount_fen": 205, "payable_fen": 1295}, \
        {"line_no": 2, "sku": "tea", "name": "冰红茶", "category": "drink", "unit_price_fen": 350, "quantity": 2, \
        "gross_fen": 700, "discount_fen": 95, "payable_fen": 605}]
        """

    private static let discounts = """
        [{"funded_by": "merchant", "amount_fen": 300, "applies_to": "order", \
        "allocations": [{"line_no": 1, "amount_fen": 205}, {"line_no": 2, "amount_fen": 95}]}]
        """

    /// As long as the service's event.
    ///
    /// pgbench takes a colon before a digit for a variable, so the time has none.
    private static let event = """
        {"order_id": "0191e2a4-5b6c-7d8e-9f01-23456789abcd", "external_id": "1772337906-1", "short_no": null, \
        "source": "own", "status": "placed", "version": 1, "customer_id": "student-1", "merchant_id": "canteen-1", \
        "rider_id": null, "payable_fen": 2200, "paid_fen": 0, "promised_at": "2026-03-01T04-05-06Z", "test": false}
        """

    /// As long as the service's answer to such an order.
    private static let answer = String(repeating: "x", count: 1_400)
}
