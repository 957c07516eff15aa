import EventLog
import Logging
import Model
import ServiceKit

/// What happens when a deadline of an order passes.
struct FireOrderTimer: Sendable {
    let changeOrders: ChangeOrders
    let campuses: CampusDirectory
    let logger: Logger

    /// Takes the timer's effect, unless it has become moot.
    func callAsFunction(_ timer: DueTimer) async throws {
        guard let kind = OrderTimer(rawValue: timer.kind) else { throw UnknownTimer(kind: timer.kind) }
        guard let campus = try await campuses.campus(timer.campus) else { throw UnknownCampus() }
        let now = try await campuses.now(in: campus)
        let request = OrderRequest(
            campus: timer.campus,
            items: [OrderRequest.Item(order: timer.subject.retyped(), command: .timeOut(kind))],
            scope: .campus,
            context: OrderContext(
                actor: .system(kind.rawValue),
                now: now,
                deadlines: OrderDeadlines(campus: campus, now: now, beginsAcceptance: false),
                isTest: campus.isTest
            ),
            timer: timer
        ) { _ in .noContent }
        var logger = logger
        logger[.campus] = campus.code
        try await changeOrders.fire(request, logger: logger)
    }
}

/// A timer of a kind that this version does not know; a newer instance will fire it.
struct UnknownTimer: Error, Hashable {
    var kind: String
}

/// A timer of a campus that is not there.
struct UnknownCampus: Error, Hashable {}
