import Model
import Postgres

/// What a case asks for of one item, and what became of it.
struct CaseItem: Hashable, Sendable {
    /// The item.
    var item: RefundItem
    /// Which units of a line, zero-based.
    var units: [Int]
    /// What was asked.
    var asked: Money
    /// What was granted, once decided.
    var granted: Money?
    /// Whether others may ask for it.
    var state: State

    /// Whether others may ask for the same units.
    enum State: String, Hashable, Sendable {
        /// Not decided; one open case at most may ask for an item.
        case asked
        /// Spoken for by a case that money is due in, or whose refund ended without paying.
        case held
        /// Granted; being paid, or paid.
        case granted
        /// Not granted, or taken back: free again.
        case released
    }
}

/// The only writer and reader of what cases ask for.
struct CaseItemStore: Sendable {
    /// The items of a case, in the order of items.
    func items(of id: CaseID, campus: CampusID, in session: borrowing Session) throws -> [CaseItem] {
        let items = try session.query(
            """
            select item, units, asked_fen, granted_fen, state from campus.case_item
            where campus_id = \(campus) and case_id = \(id)
            """
        ) { row in
            CaseItem(
                item: try RefundItem(stored: row["item"]),
                units: try units(row),
                asked: try row["asked_fen"],
                granted: try row["granted_fen"],
                state: try row["state"]
            )
        }
        return items.sorted { $0.item < $1.item }
    }

    /// What the cases of an order speak for.
    func claims(on order: OrderID, campus: CampusID, in session: borrowing Session) throws -> ItemClaims {
        var claims = ItemClaims()
        let rows = try session.query(
            """
            select i.item, i.units, i.state, i.case_id,
                coalesce(
                    d.verdict in ('rejected', 'partly_approved') and d.decided_by not like 'system:%'
                    and (i.state = 'released' or i.granted_fen < i.asked_fen), false
                ) as is_refused
            from campus.case_item i
            left join lateral (
                select verdict, decided_by from campus.decision
                where campus_id = i.campus_id and case_id = i.case_id order by number desc limit 1
            ) d on true
            where i.campus_id = \(campus) and i.order_id = \(order)
            order by i.case_id
            """
        ) { row in try Claim(row, units: units(row)) }
        for claim in rows {
            if claim.isRefused { claims.refused.insert(claim.item) }
            guard claim.state != .released else { continue }
            if case .line(let number) = claim.item { claims.units[number, default: []].formUnion(claim.units) }
            switch claim.state {
            case .asked: claims.asking[claim.item] = claim.caseID
            case .held: claims.held[claim.item] = claim.caseID
            case .granted: claims.granted.insert(claim.item)
            case .released: break
            }
        }
        return claims
    }

    /// What one case says of one item.
    private struct Claim {
        let item: RefundItem
        let units: [Int]
        let state: CaseItem.State
        let caseID: CaseID
        /// Whether the last decision was a person's, and gave less than was asked.
        let isRefused: Bool

        init(_ row: Row, units: [Int]) throws {
            item = try RefundItem(stored: row["item"])
            self.units = units
            state = try row["state"]
            caseID = try row["case_id"]
            isRefused = try row["is_refused"]
        }
    }

    /// The units of each item that settled cases of an order granted, those of the case that is being settled among them.
    func settled(
        of order: OrderID,
        campus: CampusID,
        with settling: CaseID,
        in session: borrowing Session
    ) throws -> [RefundItem: Set<Int>] {
        let rows = try session.query(
            """
            select i.item, i.units from campus.case_item i
            join campus.cases c on c.campus_id = i.campus_id and c.id = i.case_id
            where i.campus_id = \(campus) and i.order_id = \(order) and i.state = 'granted'
                and (c.id = \(settling) or c.status in ('resolved', 'closed'))
            """
        ) { row in (try RefundItem(stored: row["item"]), Set(try units(row))) }
        return Dictionary(rows) { $0.union($1) }
    }

    /// The statement that stores the items of a case, or what became of them.
    func saving(_ items: [CaseItem], of id: CaseID, order: OrderID, campus: CampusID) -> SQL {
        """
        insert into campus.case_item (campus_id, case_id, item, order_id, units, asked_fen, granted_fen, state)
        select \(campus), \(id), i.item, \(order), i.units, i.asked_fen, i.granted_fen, i.state
        from unnest(
            \(items.map(\.item.description)), \(items.map { JSON.array($0.units.map { .integer(Int64($0)) }) }),
            \(items.map(\.asked)), \(items.map(\.granted)), \(items.map(\.state))
        ) as i (item, units, asked_fen, granted_fen, state)
        on conflict (campus_id, case_id, item) do update
        set granted_fen = excluded.granted_fen, state = excluded.state
        """
    }

    private func units(_ row: Row) throws -> [Int] {
        let units: JSON = try row["units"]
        return (units.array ?? []).compactMap { $0.integer.map { Int($0) } }
    }
}

extension CaseItem.State: PostgresCodable {}

extension RefundItem {
    /// Reads an item as tables hold it.
    init(stored text: String) throws {
        guard let item = RefundItem(text) else { throw UnknownItem(text: text) }
        self = item
    }
}

/// A row names an item that no version of this service writes.
struct UnknownItem: Error, Hashable {
    /// What it says.
    let text: String
}
