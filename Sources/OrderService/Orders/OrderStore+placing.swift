import EventLog
import Model
import Postgres
import ServiceKit

/// What became of an order that was to be placed.
enum PlacingOutcome: Sendable {
    /// It is there.
    case placed
    /// It was placed before, under the same key; this was the answer.
    case replayed(StoredReply)
    /// The key was used for another body.
    case mismatch
    /// Another transaction is at it.
    case inFlight
    /// The external number belongs to that order.
    case taken(OrderID)
}

extension OrderStore {
    /// Places orders with one statement: keys, external numbers, orders, timelines, events, timers and answers.
    ///
    /// Refusals are rows of the result. Only an external number that another transaction is placing at this moment makes the statement
    /// fail, with `unique_violation`; run again, it sees who has it.
    ///
    /// No two may have the same key or the same external number. Each has its outcome, in their order.
    func place(_ new: [NewOrder], in session: borrowing Session) throws -> [PlacingOutcome] {
        let rows = try session.query(placing(new)) { row in
            var column = ColumnReader(row)
            return PlacedRow(
                number: try column.next(),
                isLocked: try column.next(),
                bodySHA256: try column.next(),
                status: try column.next(),
                headers: try column.next(),
                body: try column.next(),
                taken: try column.next()
            )
        }
        var outcomes = [PlacingOutcome](repeating: .inFlight, count: new.count)
        for row in rows {
            let index = Int(row.number) - 1
            outcomes[index] = row.outcome(for: new[index].key)
        }
        return outcomes
    }

    private struct PlacedRow {
        var number: Int32
        var isLocked: Bool
        var bodySHA256: [UInt8]?
        var status: Int16?
        var headers: JSON?
        var body: [UInt8]?
        var taken: OrderID?

        func outcome(for key: IdempotencyKey) -> PlacingOutcome {
            guard isLocked else { return .inFlight }
            if let bodySHA256, let status, let headers, let body {
                guard bodySHA256 == key.bodySHA256.bytes else { return .mismatch }
                return .replayed(StoredReply(status: Int(status), headersJSON: headers, body: body))
            }
            return taken.map(PlacingOutcome.taken) ?? .placed
        }
    }

    /// The statement of ``place(_:in:)``.
    ///
    /// The claim function takes the keys' locks and reads what is stored under them in a snapshot of its own, after the locks. External
    /// numbers are inserted in their order, so that two batches that share some cannot wait for each other.
    private func placing(_ new: [NewOrder]) -> SQL {
        """
        with claim as materialized (
            select * from campus.orders_idempotency_claim(
                \(new.map { $0.key.lockID }), \(new.map { $0.key.campus }), \(new.map { $0.key.principal }),
                \(new.map { $0.key.method }), \(new.map { $0.key.path }), \(new.map { $0.key.key })
            )
        ),
        member as materialized (
            select m.*, c.is_locked, c.body_sha256 as known_sha256, c.status as known_status,
                c.headers as known_headers, c.body as known_body, t.id as taken
            from unnest(\(rowColumns(new)), \(answerColumns(new))) with ordinality as m (
                campus_id, id, external_id, short_no, source, customer_id, merchant_id, merchant_name, lines, discounts,
                delivery_fen, packaging_fen, delivery_payable_fen, packaging_payable_fen, lines_fen, fees_fen,
                discount_fen, payable_fen, dropoff, client, promised_at, placed_at, event,
                actor, trace, due_at, principal, method, path, key, body_sha256, reply_status, reply_headers, reply_body,
                number
            )
            join claim c on c.ordinal = m.number
            left join lateral (
                select o.id from campus.orders o
                where o.campus_id = m.campus_id and o.external_id = m.external_id offset 0
            ) t on true
        ),
        fresh as materialized (
            select * from member where is_locked and known_status is null and taken is null
            order by campus_id, external_id
        ),
        placed as (
            insert into campus.orders (
                campus_id, id, external_id, short_no, source, status, version, customer_id, merchant_id, merchant_name,
                lines, discounts, delivery_fen, packaging_fen, delivery_payable_fen, packaging_payable_fen, lines_fen,
                fees_fen, discount_fen, payable_fen, paid_fen, dropoff, client, promised_at, placed_at, updated_at
            )
            select campus_id, id, external_id, short_no, source, 'placed', 1, customer_id, merchant_id, merchant_name,
                lines, discounts, delivery_fen, packaging_fen, delivery_payable_fen, packaging_payable_fen, lines_fen,
                fees_fen, discount_fen, payable_fen, 0, dropoff, client, promised_at, placed_at, placed_at
            from fresh
        ),
        written as (
            insert into campus.order_timeline (campus_id, order_id, version, type, actor, at)
            select campus_id, id, 1, 'order.placed', actor, placed_at from fresh
        ),
        told as (
            insert into campus.orders_event (\(EventStore.columns))
            select campus_id, 'order.placed', id, 1, id, actor, placed_at, trace, event from fresh
        ),
        armed as (
            insert into campus.orders_timer (subject_id, kind, campus_id, due_at, payload)
            select id, \(OrderTimer.payment.rawValue), campus_id, due_at, '{}' from fresh where due_at is not null
        ),
        answered as (
            insert into campus.orders_idempotency as stored
                (campus_id, principal, method, path, key, body_sha256, status, headers, body)
            select campus_id, principal, method, path, key, body_sha256, reply_status, reply_headers, reply_body from fresh
            on conflict (campus_id, principal, method, path, key) do update
                set body_sha256 = excluded.body_sha256, status = excluded.status, headers = excluded.headers,
                    body = excluded.body, created_at = clock_timestamp()
        )
        select number::integer, is_locked, known_sha256, known_status, known_headers, known_body, taken from member
        """
    }

    private func rowColumns(_ new: [NewOrder]) -> SQL {
        """
        \(new.map { $0.order.campus }), \(new.map { $0.order.id }), \(new.map { $0.terms.externalID }),
        \(new.map { $0.terms.shortNumber }), \(new.map { $0.terms.source }), \(new.map { $0.terms.customerID }),
        \(new.map { $0.terms.merchant.id }), \(new.map { $0.terms.merchant.name }), \(new.map { $0.lines }),
        \(new.map { $0.discounts }), \(new.map { $0.bill.delivery.gross }), \(new.map { $0.bill.packaging.gross }),
        \(new.map { $0.bill.delivery.payable }), \(new.map { $0.bill.packaging.payable }),
        \(new.map { $0.bill.linesTotal }), \(new.map { $0.bill.feesTotal }), \(new.map { $0.bill.discountTotal }),
        \(new.map { $0.bill.payable }), \(new.map { $0.dropoff }), \(new.map { $0.client }),
        \(new.map { $0.terms.promisedAt }), \(new.map { $0.terms.placedAt }), \(new.map { $0.event })
        """
    }

    private func answerColumns(_ new: [NewOrder]) -> SQL {
        """
        \(new.map { $0.actor.description }), \(new.map { $0.trace }), \(new.map { $0.transition.armed[.payment] }),
        \(new.map { $0.key.principal }), \(new.map { $0.key.method }), \(new.map { $0.key.path }), \(new.map { $0.key.key }),
        \(new.map(\.key.bodySHA256.bytes)), \(new.map { Int16(clamping: $0.reply.status) }),
        \(new.map { $0.reply.headersJSON }), \(new.map { $0.reply.body })
        """
    }
}
