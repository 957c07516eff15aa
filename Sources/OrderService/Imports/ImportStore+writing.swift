import EventLog
import Model
import Postgres
import ServiceKit

extension ImportStore {
    /// The statements that store what was decided about a batch, for one round trip.
    ///
    /// No event is among them: nobody is told of what is past.
    func statements(
        for verdict: ImportVerdict,
        of batch: ImportBatch,
        into key: ImportKey,
        in context: ImportContext
    ) -> [SQL] {
        // In the order in which placing takes external numbers, so that neither waits for the other in turn.
        let entries = verdict.entries.sorted { $0.past.externalID < $1.past.externalID }
        var statements: [SQL] = []
        if !entries.isEmpty {
            let pasts = entries.map(\.past)
            statements.append(insertOrders(pasts, context))
            statements += insertPayments(verdict.payments, of: pasts, context)
            statements.append(insertTimelines(pasts, key, context))
            statements.append(insertOrigins(pasts, key))
            statements += insertRefunds(entries, context)
            let timers = pasts.flatMap(\.timers)
            if !timers.isEmpty { statements.append(TimerStore(owner: .orders).armSQL(timers)) }
            statements += erasures.reopening(verdict.erasures, in: key.campus)
        }
        statements.append(advance(key, by: batch, verdict, context))
        if !verdict.faults.isEmpty { statements.append(insertFaults(verdict.faults, key)) }
        return statements
    }

    private func insertOrders(_ pasts: [PastOrder], _ context: ImportContext) -> SQL {
        """
        insert into campus.orders (
            campus_id, updated_at, id, external_id, short_no, source, customer_id, merchant_id, merchant_name, delivery_fen,
            packaging_fen, delivery_payable_fen, packaging_payable_fen, lines_fen, fees_fen, discount_fen, payable_fen,
            promised_at, placed_at, lines, discounts, dropoff, client, handover, status, version, rider_id, rider_name,
            paid_fen, paid_at, accepted_at, ready_at, picked_up_at, delivered_at, completed_at, cancelled_at, cancelled_by,
            cancel_reason, reported_step, reported_at
        )
        select \(context.campus.id), \(context.now), o.* from unnest(
            \(termColumns(pasts.map(\.order))), \(textColumns(pasts)), \(standingColumns(pasts.map(\.order)))
        ) as o
        """
    }

    private func termColumns(_ orders: [Order]) -> SQL {
        """
        \(orders.map(\.id)), \(orders.map(\.terms.externalID)), \(orders.map(\.terms.shortNumber)),
        \(orders.map(\.terms.source)), \(orders.map(\.terms.customerID)), \(orders.map(\.terms.merchant.id)),
        \(orders.map(\.terms.merchant.name)), \(orders.map(\.terms.bill.delivery.gross)),
        \(orders.map(\.terms.bill.packaging.gross)), \(orders.map(\.terms.bill.delivery.payable)),
        \(orders.map(\.terms.bill.packaging.payable)), \(orders.map(\.terms.bill.linesTotal)),
        \(orders.map(\.terms.bill.feesTotal)), \(orders.map(\.terms.bill.discountTotal)),
        \(orders.map(\.terms.bill.payable)), \(orders.map(\.terms.promisedAt)), \(orders.map(\.terms.placedAt))
        """
    }

    private func textColumns(_ pasts: [PastOrder]) -> SQL {
        """
        \(pasts.map(\.texts.lines)), \(pasts.map(\.texts.discounts)), \(pasts.map(\.texts.dropoff)),
        \(pasts.map(\.texts.client)), \(pasts.map(\.texts.handover))
        """
    }

    private func standingColumns(_ orders: [Order]) -> SQL {
        """
        \(orders.map(\.status)), \(orders.map(\.version)), \(orders.map(\.rider?.id)), \(orders.map(\.rider?.name)),
        \(orders.map(\.paid)), \(orders.map(\.times.paid)), \(orders.map(\.times.accepted)), \(orders.map(\.times.ready)),
        \(orders.map(\.times.pickedUp)), \(orders.map(\.times.delivered)), \(orders.map(\.times.completed)),
        \(orders.map(\.times.cancelled)), \(orders.map(\.cancellation?.actor.description)),
        \(orders.map(\.cancellation?.reason)), \(orders.map(\.lastReported?.step)), \(orders.map(\.lastReported?.at))
        """
    }

    private func insertPayments(
        _ payments: [ImportVerdict.NewPayment],
        of pasts: [PastOrder],
        _ context: ImportContext
    ) -> [SQL] {
        let parts = pasts.flatMap { past in past.order.payments.map { (order: past.order.id, share: $0) } }
        guard !parts.isEmpty else { return [] }
        let reports = payments.map { (campus: context.campus.id, report: $0.report, now: $0.createdAt) }
        let allocations: SQL = """
            insert into campus.payment_allocation (campus_id, order_id, payment_id, purpose, amount_fen)
            select \(context.campus.id), a.* from unnest(
                \(parts.map(\.order)), \(parts.map(\.share.paymentID)), \(parts.map(\.share.purpose)),
                \(parts.map(\.share.amount))
            ) as a
            """
        return (reports.isEmpty ? [] : [PaymentStore().insert(reports, isImported: true)]) + [allocations]
    }

    /// What happened, in the platform's words, and last that it was imported.
    private func insertTimelines(_ pasts: [PastOrder], _ key: ImportKey, _ context: ImportContext) -> SQL {
        let rows = pasts.flatMap { past in
            past.steps.enumerated().map { TimelineRow(past, $0.element, version: Int64($0.offset + 1)) }
                + [TimelineRow(past, importedBy: key, at: context.now)]
        }
        return """
            insert into campus.order_timeline (campus_id, actor, order_id, version, type, at, detail)
            select \(context.campus.id), coalesce(t.actor, \(context.actor.description)), t.order_id, t.version, t.type, t.at,
                t.detail
            from unnest(
                \(rows.map(\.actor)), \(rows.map(\.order)), \(rows.map(\.version)), \(rows.map(\.type)), \(rows.map(\.at)),
                \(rows.map(\.detail))
            ) as t (actor, order_id, version, type, at, detail)
            """
    }

    private struct TimelineRow {
        var order: OrderID
        var version: Int64
        var type: String
        /// Who did it, when it was not the platform that said so.
        var actor: String?
        var at: Timestamp
        var detail: JSON?

        init(_ past: PastOrder, _ step: OrderStep, version: Int64) {
            order = past.order.id
            self.version = version
            type = step.type
            if case .event(.cancelled) = step.kind { actor = past.order.cancellation?.actor.description }
            at = step.at
            detail = step.detail
        }

        init(_ past: PastOrder, importedBy key: ImportKey, at time: Timestamp) {
            order = past.order.id
            version = past.order.version
            type = "order.imported"
            at = time
            detail = ["import_id": .string(key.id), "line": .integer(past.line)]
        }
    }

    private func insertOrigins(_ pasts: [PastOrder], _ key: ImportKey) -> SQL {
        """
        insert into campus.imported_order (campus_id, import_id, order_id, line, sha256)
        select \(key.campus), \(key.id), o.* from unnest(
            \(pasts.map(\.order.id)), \(pasts.map(\.line)), \(pasts.map(\.digest.bytes))
        ) as o
        """
    }

    private func insertRefunds(_ entries: [ImportVerdict.Entry], _ context: ImportContext) -> [SQL] {
        let rows = entries.flatMap { entry in entry.refunds.map { (order: entry.past.order.id, settled: $0) } }
        guard !rows.isEmpty else { return [] }
        return [
            """
            insert into campus.past_refund (campus_id, out_refund_no, order_id, payment_id, amount_fen, items, succeeded_at)
            select \(context.campus.id), r.* from unnest(
                \(rows.map(\.settled.refund.number)), \(rows.map(\.order)), \(rows.map(\.settled.payment)),
                \(rows.map(\.settled.refund.amount)), \(rows.map(\.settled.itemsJSON)),
                \(rows.map(\.settled.refund.succeededAt))
            ) as r
            """
        ]
    }

    /// Counts what was decided, and drops what was wrong with these lines when they were sent before.
    private func advance(
        _ key: ImportKey,
        by batch: ImportBatch,
        _ verdict: ImportVerdict,
        _ context: ImportContext
    ) -> SQL {
        let faulty = Set(verdict.faults.map(\.line)).count
        return """
            with gone as (
                delete from campus.order_import_fault
                where campus_id = \(key.campus) and import_id = \(key.id)
                    and line >= \(batch.firstLine) and line < \(batch.nextLine)
                returning line
            )
            update campus.order_import
            set next_line = greatest(next_line, \(batch.nextLine)), imported = imported + \(verdict.entries.count),
                skipped = skipped + \(verdict.skipped),
                faulty = faulty + \(faulty) - (select count(distinct line) from gone), updated_at = \(context.now)
            where campus_id = \(key.campus) and id = \(key.id)
            """
    }

    private func insertFaults(_ faults: [ImportFault], _ key: ImportKey) -> SQL {
        """
        insert into campus.order_import_fault (campus_id, import_id, line, number, pointer, detail)
        select \(key.campus), \(key.id), f.* from unnest(
            \(faults.map(\.line)), \(faults.map(\.number)), \(faults.map(\.pointer)), \(faults.map(\.detail))
        ) as f
        """
    }
}

extension ImportVerdict.SettledRefund {
    /// How much of which item, as the database keeps it.
    fileprivate var itemsJSON: JSON {
        .object(JSONObject(items.sorted { $0.key.name < $1.key.name }.map { ($0.key.name, .integer($0.value.fen)) }))
    }
}
