import Model
import Postgres

/// What somebody did, as it is kept for good.
package struct AuditEntry: Sendable {
    /// Its id.
    package let id: AnyID
    /// When, by the machine's clock.
    package let at: Timestamp
    /// Who, as `role:id`.
    package let actor: String
    /// What, for example `key.revoked`.
    package let action: String
    /// To what.
    package let subject: String
    /// What it changed, and by which key.
    package let detail: JSON

    /// All of it.
    package var json: JSON {
        [
            "id": .string(id.description), "at": .string(at.rfc3339), "actor": .string(actor),
            "action": .string(action), "subject": .string(subject), "detail": detail,
        ]
    }
}

/// Writes and reads the audit, which nobody can change.
public struct AuditStore: Sendable {
    /// The store.
    public init() {}

    /// Notes what somebody did, in the transaction in which it is done.
    ///
    /// - Parameters:
    ///   - action: a noun, a dot and a participle, for example `key.revoked`.
    ///   - subject: what it was done to, by name or id.
    ///   - campus: the campus it concerns; nil is all of them.
    ///   - actor: who did it.
    ///   - at: when, by the machine's clock.
    ///   - detail: holds no secrets and no personal data.
    ///   - session: the transaction.
    /// - Throws: what the database says.
    public func note(
        _ action: String,
        subject: String,
        campus: CampusID?,
        actor: Actor,
        at: Timestamp = SystemWallClock().now(),
        detail: JSON = .object([:]),
        in session: borrowing Session
    ) throws {
        try session.execute(
            """
            insert into campus.audit_entry (id, campus_id, at, actor, action, subject, detail)
            values (
                \(AnyID.make(at: at)), \(campus), \(at), \(actor.description), \(action), \(subject), \(detail)
            )
            """
        )
    }

    /// A page of what was done, the newest first.
    ///
    /// - `onBehalf`: whether to list the requests that platform keys made in users' names, or all that is not one.
    /// - Throws: a problem when the page's cursor is not one of this list.
    package func entries(
        of campus: CampusID,
        onBehalf: Bool,
        _ page: Page,
        in session: borrowing Session
    ) throws -> Listing<AuditEntry> {
        let rows = try entries(
            of: campus,
            onBehalf: onBehalf,
            before: try page.timeAndID(of: IDSubject.Anything.self),
            limit: page.limit + 1,
            in: session
        )
        return page.cut(rows) { Cursor(time: $0.at, id: $0.id) }
    }

    /// What was done, the newest first.
    ///
    /// - `onBehalf`: as for a page.
    /// - `since`: only what was done then or later.
    /// - `place`: only what comes behind it.
    func entries(
        of campus: CampusID,
        onBehalf: Bool,
        since: Timestamp? = nil,
        before place: (time: Timestamp, id: AnyID)? = nil,
        limit: Int,
        in session: borrowing Session
    ) throws -> [AuditEntry] {
        var conditions: SQL = "campus_id = \(campus)"
        // Written out, because each has an index of its own.
        conditions += onBehalf ? " and action = 'request.on_behalf'" : " and action <> 'request.on_behalf'"
        if let since { conditions += " and at >= \(since)" }
        if let place { conditions += " and (at, id) < (\(place.time), \(place.id))" }
        return try session.query(
            """
            select id, at, actor, action, subject, detail from campus.audit_entry
            where \(conditions) order by at desc, id desc limit \(rows: limit)
            """
        ) { row in
            AuditEntry(
                id: try row["id"],
                at: try row["at"],
                actor: try row["actor"],
                action: try row["action"],
                subject: try row["subject"],
                detail: try row["detail"]
            )
        }
    }
}
