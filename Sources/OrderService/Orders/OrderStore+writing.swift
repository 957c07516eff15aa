import EventLog
import Model
import Postgres

/// A transition on its way into the database, with who asked for it.
struct OrderWrite: Sendable {
    var transition: OrderTransition
    var actor: Actor
    var trace: String?
    var now: Timestamp
}

extension OrderStore {
    /// The statements that store these transitions of locked orders, for one round trip.
    func statements(for writes: [OrderWrite]) -> [SQL] {
        let changed = writes.filter { !$0.transition.steps.isEmpty }
        guard !changed.isEmpty else { return [] }
        var statements = changed.map { update($0.transition.order) }
        statements.append(insertTimeline(changed))
        statements.append(contentsOf: insertExceptions(changed))
        statements.append(contentsOf: changed.flatMap { statedFacts($0) })
        statements.append(contentsOf: insertAllocations(changed))
        return statements
    }

    /// By its primary key alone, so that no plan made while the table was small can scan it later.
    private func update(_ order: Order) -> SQL {
        """
        update campus.orders set
            status = \(order.status), version = \(order.version), rider_id = \(order.rider?.id),
            rider_name = \(order.rider?.name), paid_fen = \(order.paid), paid_at = \(order.times.paid),
            accepted_at = \(order.times.accepted), ready_at = \(order.times.ready), picked_up_at = \(order.times.pickedUp),
            delivered_at = \(order.times.delivered), completed_at = \(order.times.completed),
            cancelled_at = \(order.times.cancelled), cancelled_by = \(order.cancellation?.actor.description),
            cancel_reason = \(order.cancellation?.reason), handover = \(order.handover?.text),
            reported_step = \(order.lastReported?.step), reported_at = \(order.lastReported?.at),
            updated_at = \(order.updatedAt)
        where campus_id = \(order.campus) and id = \(order.id)
        """
    }

    private func insertTimeline(_ writes: [OrderWrite]) -> SQL {
        let rows = writes.flatMap { write in write.transition.steps.map { (write: write, step: $0) } }
        return """
            insert into campus.order_timeline (campus_id, order_id, version, type, actor, at, detail)
            select * from unnest(
                \(rows.map(\.write.transition.order.campus)), \(rows.map(\.write.transition.order.id)),
                \(rows.map(\.step.facts.version)), \(rows.map(\.step.type)), \(rows.map(\.write.actor.description)),
                \(rows.map(\.step.at)), \(rows.map(\.step.detail))
            )
            """
    }

    private func insertAllocations(_ writes: [OrderWrite]) -> [SQL] {
        let rows = writes.flatMap { write in write.transition.shares.map { (order: write.transition.order, share: $0) }
        }
        guard !rows.isEmpty else { return [] }
        return [
            """
            insert into campus.payment_allocation (campus_id, order_id, payment_id, purpose, amount_fen)
            select * from unnest(
                \(rows.map(\.order.campus)), \(rows.map(\.order.id)), \(rows.map(\.share.paymentID)),
                \(rows.map(\.share.purpose)), \(rows.map(\.share.amount))
            )
            """
        ]
    }

    private func insertExceptions(_ writes: [OrderWrite]) -> [SQL] {
        writes.compactMap { write in
            guard let exception = write.transition.exception, let step = write.transition.steps.last else { return nil }
            let order = write.transition.order
            return """
                insert into campus.order_exception (campus_id, id, order_id, kind, note, reported_by, at)
                values (\(order.campus), \(exception.id), \(order.id), \(exception.kind.rawValue), \(exception.note),
                    \(write.actor.description), \(step.at))
                """
        }
    }

    private func statedFacts(_ write: OrderWrite) -> [SQL] {
        let order = write.transition.order
        guard let line = write.transition.statedLine, let facts = order.lineFacts[line] else { return [] }
        return [
            """
            insert into campus.order_line_fact (campus_id, order_id, line_no, used, opened, activated, stated_by, updated_at)
            values (\(order.campus), \(order.id), \(Int32(line)), \(facts.used), \(facts.opened), \(facts.activated),
                \(write.actor.description), \(write.now))
            on conflict (campus_id, order_id, line_no) do update set
                used = excluded.used, opened = excluded.opened, activated = excluded.activated,
                stated_by = excluded.stated_by, updated_at = excluded.updated_at
            """
        ]
    }

    /// The events of these transitions, in their order.
    func events(of writes: [OrderWrite]) -> [NewEvent] {
        writes.flatMap { write in
            let order = write.transition.order
            return write.transition.steps.compactMap { step in
                step.event.map { event in
                    NewEvent(
                        type: event.type,
                        campus: order.campus,
                        subject: order.id.retyped(),
                        version: step.facts.version,
                        root: order.id.retyped(),
                        actor: write.actor,
                        at: step.at,
                        trace: write.trace,
                        payload: event.json
                    )
                }
            }
        }
    }
}
