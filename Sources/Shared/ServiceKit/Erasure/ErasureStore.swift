import EventLog
import Model
import Postgres

/// How far each service has got with erasing.
public struct ErasureStore: Sendable {
    /// A request of a campus.
    public typealias CampusRequest = (campus: CampusID, request: ErasureRequest)

    private let table: SQL
    private let lockKey: Int32
    private let timers: TimerStore

    /// What one service has noted; only that service may write it, and AfterSalesService reads them all.
    public init(owner: EventStream) {
        timers = TimerStore(owner: owner)
        switch owner {
        case .orders: (table, lockKey) = ("campus.orders_erasure", 1)
        case .afterSales: (table, lockKey) = ("campus.after_sales_erasure", 2)
        case .notifications: (table, lockKey) = ("campus.notifications_erasure", 3)
        }
    }

    /// The requests among a batch of events.
    public static func requests(in events: [RecordedEvent]) throws -> [CampusRequest] {
        try events.filter { $0.type == EventType.partyErasureRequested.rawValue }.map { event in
            (event.campus, try ErasureRequest(type: .partyErasureRequested, json: event.payload))
        }
    }

    /// Notes requests, once those who store what may be about the same people have committed: see ``holdingBack``.
    ///
    /// - Parameters:
    ///   - requests: from the log, or just made.
    ///   - doneAt: when the service has done its part, if it does all of it at once.
    ///   - session: where to write.
    /// - Returns: those that were not noted before.
    /// - Throws: `PostgresError`.
    public func record(
        _ requests: [CampusRequest],
        doneAt: Timestamp? = nil,
        in session: borrowing Session
    ) throws -> [CampusRequest] {
        guard !requests.isEmpty else { return [] }
        try session.enqueue(["select pg_advisory_xact_lock(\(Self.lockClass), \(lockKey))"])
        let new = try session.query(
            """
            insert into \(table) (campus_id, id, kind, party_id, requested_at, done_at)
            select n.*, \(doneAt) from unnest(
                \(requests.map(\.campus)), \(requests.map(\.request.id)), \(requests.map(\.request.party.kind)),
                \(requests.map(\.request.party.id)), \(requests.map(\.request.requestedAt))
            ) as n (campus_id, id, kind, party_id, requested_at)
            on conflict (campus_id, id) do nothing
            returning id
            """
        ) { row -> ErasureID in try row[0] }
        let isNew = Set(new)
        return requests.filter { isNew.contains($0.request.id) }
    }

    /// Keeps requests from being noted until the transaction ends, for whoever is about to store what was before them: it looks for requests
    /// in a later statement, so that one is either found there or erases what was stored.
    public var holdingBack: SQL { "select pg_advisory_xact_lock_shared(\(Self.lockClass), \(lockKey))" }

    /// The first half of the advisory locks that stand for requests to erase.
    private static let lockClass: Int32 = 7_322

    /// How far the service has got; nil when it does not know the request yet.
    public func find(_ id: ErasureID, in campus: CampusID, session: borrowing Session) throws -> Erasure? {
        try session.first("\(selection) where campus_id = \(campus) and id = \(id)", Erasure.init)
    }

    /// The last request about somebody.
    public func latest(of party: Party, in campus: CampusID, session: borrowing Session) throws -> Erasure? {
        try session.first(
            """
            \(selection) where campus_id = \(campus) and kind = \(party.kind) and party_id = \(party.id)
            order by id desc limit 1
            """,
            Erasure.init
        )
    }

    /// The requests about any of these people.
    public func requests(about parties: [Party], in campus: CampusID) -> Query<Erasure> {
        let sql: SQL = """
            \(selection) where campus_id = \(campus)
                and (kind, party_id) in (select * from unnest(\(parties.map(\.kind)), \(parties.map(\.id))))
            """
        return Query(parties.isEmpty ? nil : sql, Erasure.init)
    }

    /// The statements that have requests gone through once more, because something about their people has come to light.
    public func reopening(_ erasures: [Erasure], in campus: CampusID) -> [SQL] {
        guard !erasures.isEmpty else { return [] }
        return [
            """
            update \(table) set done_at = null, place = \(Erasure.start)
            where campus_id = \(campus) and id = any (\(erasures.map(\.id)))
            """,
            timers.armSQL(erasures.map { EraseInRounds.nextRound(of: $0.id, in: campus, at: $0.requestedAt) }),
        ]
    }

    func lock(_ id: ErasureID, in campus: CampusID, session: borrowing Session) throws -> Erasure? {
        try session.first("\(selection) where campus_id = \(campus) and id = \(id) for no key update", Erasure.init)
    }

    func save(_ erasure: Erasure, in session: borrowing Session) throws {
        try session.execute(
            """
            update \(table) set place = \(erasure.place), erased = \(erasure.erased), waiting = \(erasure.waiting),
                keeps_until = \(erasure.keepsUntil), done_at = \(erasure.doneAt)
            where campus_id = \(erasure.campus) and id = \(erasure.id)
            """
        )
    }

    private var selection: SQL {
        """
        select id, campus_id, kind, party_id, requested_at, place, erased, waiting, keeps_until, done_at from \(table)
        """
    }
}

extension Erasure {
    fileprivate init(_ row: Row) throws {
        self.init(
            id: try row[0],
            campus: try row[1],
            party: Party(kind: try row[2], id: try row[3]),
            requestedAt: try row[4],
            place: try row[5],
            erased: try row[6],
            waiting: try row[7],
            keepsUntil: try row[8],
            doneAt: try row[9]
        )
    }
}
