import EventLog
import Model
import Postgres
import ServiceKit

/// How far all services together have got with a request to erase.
struct ErasureReport: Sendable {
    /// The request, as this service has it.
    let request: Erasure
    /// How far each has got; nil where it has not heard of the request yet.
    let parts: [(service: String, erasure: Erasure?)]

    /// Looks up what each service has noted.
    init(of request: Erasure, in session: borrowing Session) throws {
        self.request = request
        parts = [
            (
                "order_service",
                try ErasureStore(owner: .orders).find(request.id, in: request.campus, session: session)
            ),
            ("after_sales_service", request),
            (
                "notify_service",
                try ErasureStore(owner: .notifications).find(request.id, in: request.campus, session: session)
            ),
        ]
    }

    /// The report as it is shown.
    var json: JSON {
        let isDone = parts.allSatisfy { $0.erasure?.doneAt != nil }
        return [
            "erasure_id": .string(request.id.description),
            "kind": .string(request.party.kind.rawValue),
            "id": .string(request.party.id),
            "requested_at": .string(request.requestedAt.rfc3339),
            "status": isDone ? "done" : "pending",
            "services": .array(parts.map(Self.json)),
        ]
    }

    private static func json(_ part: (service: String, erasure: Erasure?)) -> JSON {
        let (isDone, waiting) = (part.erasure?.doneAt != nil, part.erasure?.waiting ?? 0)
        return [
            "service": .string(part.service),
            "status": isDone ? "done" : waiting > 0 ? "waiting" : "pending",
            "waiting": .integer(waiting),
            "keeps_until": .optional(part.erasure?.keepsUntil?.rfc3339),
            "done_at": .optional(part.erasure?.doneAt?.rfc3339),
        ]
    }
}
