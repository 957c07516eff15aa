import Model
import Postgres

/// The only writer of cases; ``CaseListStore`` reads them too, page by page.
struct CaseStore: Sendable {
    /// Reads a case and locks it, so that nobody else changes it before this transaction ends.
    func lock(_ id: CaseID, campus: CampusID, in session: borrowing Session) throws -> AfterSalesCase? {
        try session.first(
            """
            select \(Self.columns) from campus.cases c where c.campus_id = \(campus) and c.id = \(id) for update
            """
        ) { row in try AfterSalesCase(row) }
    }

    /// Reads a case.
    func find(_ id: CaseID, campus: CampusID, in session: borrowing Session) throws -> AfterSalesCase? {
        try session.first(
            "select \(Self.columns) from campus.cases c where c.campus_id = \(campus) and c.id = \(id)"
        ) { row in try AfterSalesCase(row) }
    }

    /// The cases of an order, the oldest first.
    func cases(of order: OrderID, campus: CampusID, in session: borrowing Session) throws -> [AfterSalesCase] {
        try session.query(
            """
            select \(Self.columns) from campus.cases c
            where c.campus_id = \(campus) and c.order_id = \(order) order by c.id
            """
        ) { row in try AfterSalesCase(row) }
    }

    /// The cases that another case's refunds answer too, locked in the order of their ids.
    func lockAttached(to id: CaseID, campus: CampusID, in session: borrowing Session) throws -> [AfterSalesCase] {
        try session.query(
            """
            select \(Self.columns) from campus.cases c
            where c.campus_id = \(campus) and c.attached_to = \(id) order by c.id for update
            """
        ) { row in try AfterSalesCase(row) }
    }

    /// The statement that locks the cases of an order, in the order of their ids.
    func locking(of order: OrderID, campus: CampusID) -> SQL {
        """
        select from campus.cases c where c.campus_id = \(campus) and c.order_id = \(order) order by c.id for update
        """
    }

    /// The statement that stores a new case.
    func insertion(of new: AfterSalesCase) -> SQL {
        """
        insert into campus.cases (
            campus_id, id, order_id, external_id, kind, reason, status, version, customer_id, merchant_id, rider_id,
            opened_by, is_system, is_test, source, asks_whole_order, description, requested_fen, approved_fen, verdict,
            handler, attached_to, policy_version, opened_at, updated_at, review_due_at, decision_due_at, priority_at,
            claimed_at, decided_at, resolved_at, closed_at
        ) values (
            \(new.campus), \(new.id), \(new.orderID), \(new.externalID), \(new.kind), \(new.reason), \(new.status),
            \(new.version), \(new.customerID), \(new.merchantID), \(new.riderID), \(new.openedBy.description),
            \(new.isSystem), \(new.isTest), \(new.source), \(new.asksWholeOrder), \(new.description), \(new.requested),
            \(new.approved), \(new.verdict), \(new.handler), \(new.attachedTo), \(new.policyVersion), \(new.openedAt),
            \(new.updatedAt), \(new.reviewDueAt), \(new.decisionDueAt), \(new.priorityAt), \(new.claimedAt),
            \(new.decidedAt), \(new.resolvedAt), \(new.closedAt)
        )
        """
    }

    /// The statement that stores what changed of a case.
    func update(to changed: AfterSalesCase) -> SQL {
        """
        update campus.cases set
            status = \(changed.status), version = \(changed.version), approved_fen = \(changed.approved),
            verdict = \(changed.verdict), handler = \(changed.handler), attached_to = \(changed.attachedTo),
            urged = \(changed.urged), urged_at = \(changed.urgedAt), updated_at = \(changed.updatedAt),
            review_due_at = \(changed.reviewDueAt), decision_due_at = \(changed.decisionDueAt),
            priority_at = \(changed.priorityAt), claimed_at = \(changed.claimedAt), decided_at = \(changed.decidedAt),
            resolved_at = \(changed.resolvedAt), closed_at = \(changed.closedAt)
        where campus_id = \(changed.campus) and id = \(changed.id)
        """
    }

    static let columns: SQL = """
        c.campus_id, c.id, c.order_id, c.external_id, c.kind, c.reason, c.status, c.version, c.customer_id, c.merchant_id,
        c.rider_id, c.opened_by, c.is_system, c.is_test, c.source, c.asks_whole_order, c.description, c.requested_fen,
        c.approved_fen, c.verdict, c.handler, c.attached_to, c.policy_version, c.urged, c.urged_at, c.opened_at,
        c.updated_at, c.review_due_at, c.decision_due_at, c.priority_at, c.claimed_at, c.decided_at, c.resolved_at,
        c.closed_at
        """
}

extension AfterSalesCase {
    /// Reads a row of ``CaseStore/columns``.
    init(_ row: Row) throws {
        self.init(
            id: try row["id"],
            campus: try row["campus_id"],
            orderID: try row["order_id"],
            externalID: try row["external_id"],
            kind: try row["kind"],
            reason: try row["reason"],
            customerID: try row["customer_id"],
            merchantID: try row["merchant_id"],
            riderID: try row["rider_id"],
            openedBy: try Actor(stored: row["opened_by"]),
            isSystem: try row["is_system"],
            isTest: try row["is_test"],
            source: try row["source"],
            asksWholeOrder: try row["asks_whole_order"],
            description: try row["description"],
            requested: try row["requested_fen"],
            policyVersion: try row["policy_version"],
            openedAt: try row["opened_at"],
            reviewDueAt: try row["review_due_at"],
            decisionDueAt: try row["decision_due_at"],
            status: try row["status"],
            version: try row["version"],
            approved: try row["approved_fen"],
            verdict: try row["verdict"],
            handler: try row["handler"],
            attachedTo: try row["attached_to"],
            urged: try row["urged"],
            urgedAt: try row["urged_at"],
            updatedAt: try row["updated_at"],
            priorityAt: try row["priority_at"],
            claimedAt: try row["claimed_at"],
            decidedAt: try row["decided_at"],
            resolvedAt: try row["resolved_at"],
            closedAt: try row["closed_at"]
        )
    }
}
