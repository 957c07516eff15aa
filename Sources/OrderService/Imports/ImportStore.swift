import Model
import Postgres
import ServiceKit

/// Keeps imports, and knows what is stored of the orders that they bring.
struct ImportStore: Sendable {
    let erasures = ErasureStore(owner: .orders)

    /// Makes the import unless it is there.
    func begin(_ key: ImportKey, by actor: Actor, at now: Timestamp, in session: borrowing Session) throws {
        try session.execute(
            """
            insert into campus.order_import (campus_id, id, created_by, created_at, updated_at)
            values (\(key.campus), \(key.id), \(actor.description), \(now), \(now))
            on conflict do nothing
            """
        )
    }

    /// What became of the import so far; nil when there is none of that name.
    func find(_ key: ImportKey, in session: borrowing Session) throws -> OrderImport? {
        try session.first(
            """
            select id, next_line, imported, skipped, faulty, created_by, created_at, updated_at
            from campus.order_import where campus_id = \(key.campus) and id = \(key.id)
            """
        ) { row in
            var column = ColumnReader(row)
            return OrderImport(
                id: try column.next(),
                nextLine: try column.next(),
                imported: try column.next(),
                skipped: try column.next(),
                faulty: try column.next(),
                createdBy: try column.next(),
                createdAt: try column.next(),
                updatedAt: try column.next()
            )
        }
    }

    /// What is wrong with its lines, in their order.
    func faults(
        of key: ImportKey,
        after place: (line: Int64, number: Int32) = (0, 0),
        limit: Int,
        in session: borrowing Session
    ) throws -> [ImportFault] {
        try session.query(
            """
            select line, number, pointer, detail from campus.order_import_fault
            where campus_id = \(key.campus) and import_id = \(key.id) and (line, number) > (\(place.line), \(place.number))
            order by line, number limit \(rows: limit)
            """
        ) { row in
            var column = ColumnReader(row)
            return ImportFault(
                line: try column.next(),
                number: try column.next(),
                pointer: try column.next(),
                detail: try column.next()
            )
        }
    }

    /// Locks the import, so that its lines are judged one batch after the other, and tells what is stored of what these lines tell of.
    func knowledge(
        of batch: ImportBatch,
        for key: ImportKey,
        in session: borrowing Session
    ) throws -> ImportKnowledge {
        let payments = batch.orders.flatMap(\.payments)
        let persons = Set(batch.orders.flatMap(\.order.persons))
        try session.enqueue([self.erasures.holdingBack])
        let (_, orders, known, refunds, erasures) = try session.pipeline(
            Query("select 1 from campus.order_import where campus_id = \(key.campus) and id = \(key.id) for update") {
                _ in
            },
            knownOrders(key.campus, batch.orders.map(\.externalID)),
            knownPayments(key.campus, payments.map(\.report)),
            knownRefunds(key.campus, batch.orders.flatMap(\.refunds).map(\.number)),
            self.erasures.requests(about: Array(persons), in: key.campus)
        )
        return ImportKnowledge(
            orders: Dictionary(orders) { first, _ in first },
            payments: Dictionary(known) { first, _ in first },
            refunds: Set(refunds),
            erasures: erasures
        )
    }

    private func knownOrders(_ campus: CampusID, _ numbers: [String]) -> Query<(String, ImportKnowledge.KnownOrder)> {
        let sql: SQL = """
            select k.external_id, o.id, i.order_id is not null, i.sha256 from unnest(\(numbers)) as k (external_id)
            cross join lateral (
                select id from campus.orders where campus_id = \(campus) and external_id = k.external_id offset 0
            ) o
            left join lateral (
                select order_id, sha256 from campus.imported_order where campus_id = \(campus) and order_id = o.id offset 0
            ) i on true
            """
        return Query(numbers.isEmpty ? nil : sql) { row in
            let (isImported, digest): (Bool, [UInt8]?) = (try row[2], try row[3])
            let origin = isImported ? digest.map(ImportKnowledge.Origin.imported) ?? .erased : .placed
            return (try row[0], ImportKnowledge.KnownOrder(id: try row[1], origin: origin))
        }
    }

    private func knownPayments(
        _ campus: CampusID,
        _ reports: [PaymentReport]
    ) -> Query<(PaymentKey, ImportKnowledge.KnownPayment)> {
        let sql: SQL = """
            select p.channel, p.transaction_id, p.id, p.amount_fen, p.created_at, s.spread_fen
            from unnest(\(reports.map(\.channel)), \(reports.map(\.transactionID))) as k (channel, transaction_id)
            cross join lateral (
                select * from campus.payment
                where campus_id = \(campus) and channel = k.channel and transaction_id = k.transaction_id offset 0
            ) p
            cross join lateral (
                select coalesce(sum(amount_fen), 0)::bigint as spread_fen from campus.payment_allocation
                where campus_id = \(campus) and payment_id = p.id offset 0
            ) s
            """
        return Query(reports.isEmpty ? nil : sql) { row in
            (
                PaymentKey(campus: campus, channel: try row[0], transactionID: try row[1]),
                ImportKnowledge.KnownPayment(
                    id: try row[2],
                    amount: try row[3],
                    createdAt: try row[4],
                    spread: try row[5]
                )
            )
        }
    }

    private func knownRefunds(_ campus: CampusID, _ numbers: [String]) -> Query<String> {
        let sql: SQL = """
            select r.out_refund_no from unnest(\(numbers)) as k (number)
            cross join lateral (
                select out_refund_no from campus.past_refund
                where campus_id = \(campus) and out_refund_no = k.number offset 0
            ) r
            """
        return Query(numbers.isEmpty ? nil : sql) { try $0[0] }
    }
}
