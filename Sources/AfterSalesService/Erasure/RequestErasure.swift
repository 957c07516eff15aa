import EventLog
import Model
import Postgres
import ServiceKit

/// Asks all services to erase what they know of somebody.
struct RequestErasure: Sendable {
    private let erasures = ErasureStore(owner: .afterSales)
    private let timers = TimerStore(owner: .afterSales)
    private let events = EventStore(stream: .afterSales)
    private let parties = PartyStore()
    private let audit = AuditStore()

    /// Empties the party at once, and has the rest done: here by a timer, elsewhere by the event.
    ///
    /// Whoever asks again, while a former request waits for an order under way, means what has come since, too: it is a request of its own.
    ///
    /// - Returns: the request.
    func callAsFunction(
        _ party: Party,
        in campus: Campus,
        by principal: Principal,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> Erasure {
        let request = ErasureRequest(
            id: ErasureID.make(at: cause.at),
            party: party,
            requestedAt: cause.at,
            isTest: campus.isTest
        )
        let new = try erasures.record([(campus.id, request)], in: session)
        try parties.erase(party, at: cause.at, in: campus.id, session: session)
        try events.append([event(request, in: campus.id, cause)], in: session)
        try timers.arm(new.map(EraseInRounds.firstRound), in: session)
        try audit.note(
            "party.erasure_requested",
            subject: party.description,
            campus: campus.id,
            actor: cause.actor,
            detail: [
                "erasure_id": .string(request.id.description), "key_id": .optional(principal.key?.description),
            ],
            in: session
        )
        return Erasure(request, in: campus.id)
    }

    private func event(_ request: ErasureRequest, in campus: CampusID, _ cause: Cause) -> NewEvent {
        NewEvent(
            type: request.type,
            campus: campus,
            subject: request.id.retyped(),
            version: 1,
            root: request.id.retyped(),
            actor: cause.actor,
            at: cause.at,
            trace: cause.trace,
            payload: request.json
        )
    }
}
