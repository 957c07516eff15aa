import HTTPTypes
import Model

/// A refusal on its way to the client, as RFC 9457 `application/problem+json`.
public struct Problem: Error, Sendable {
    /// Which entry of the catalogue.
    public var kind: ProblemKind
    /// What is particular to this occurrence.
    ///
    /// Holds nothing of the inside and no personal data.
    public var detail: String
    /// Every fault, for `validation`.
    public var faults: [Fault]
    /// Members beyond those of RFC 9457, for example `state` and `allowed`.
    public var members: JSONObject
    /// Headers that belong to it, for example `Retry-After`.
    public var headers: HTTPFields

    /// A problem of that kind.
    public init(
        _ kind: ProblemKind,
        _ detail: String,
        faults: [Fault] = [],
        members: JSONObject = [:],
        headers: HTTPFields = [:]
    ) {
        self.kind = kind
        self.detail = detail
        self.faults = faults
        self.members = members
        self.headers = headers
    }

    /// The document that is sent.
    ///
    /// - `requestID`: what `X-Request-Id` says.
    public func json(requestID: String) -> JSON {
        var object: JSONObject = [
            "type": .string(kind.type),
            "title": .string(kind.title),
            "status": .integer(Int64(kind.status)),
            "detail": .string(detail),
            "code": .string(kind.code),
            "request_id": .string(requestID),
        ]
        if !faults.isEmpty { object["errors"] = .array(faults.map(\.json)) }
        for member in members.members { object[member.name] = member.value }
        return .object(object)
    }
}

extension Problem {
    /// The path is unknown, or what it names is not this caller's to see.
    public static var notFound: Problem {
        Problem(.notFound, "There is no such resource, or it is not yours to see.")
    }

    /// Faults in the request, all of them.
    public static func validation(_ faults: [Fault]) -> Problem {
        let detail = faults.count == 1 ? "The request has a fault." : "The request has \(faults.count) faults."
        return Problem(.validation, detail, faults: faults)
    }

    /// One fault in the body, found after the schema held.
    public static func validation(_ pointer: String, _ detail: String) -> Problem {
        .validation([Fault(pointer, detail)])
    }

    /// The present state does not allow what was asked.
    ///
    /// - `state`: the present state's name.
    /// - `allowed`: what can be done in it.
    public static func illegalTransition(state: String, allowed: [String]) -> Problem {
        Problem(
            .illegalTransition,
            "In the state \(state) this cannot be done.",
            members: ["state": .string(state), "allowed": .array(allowed.map(JSON.string))]
        )
    }

    /// Not now; the same Idempotency-Key makes repeating safe.
    ///
    /// - `retryAfter`: sent in whole seconds, at least 1.
    public static func unavailable(_ detail: String, retryAfter: Duration = .seconds(1)) -> Problem {
        Problem(.unavailable, detail, headers: [.retryAfter: retryAfter.wholeSecondsRoundedUp])
    }
}

extension Duration {
    /// Whole seconds, rounded up, at least 1: what a `Retry-After` header takes.
    var wholeSecondsRoundedUp: String {
        let (seconds, attoseconds) = components
        return String(max(1, attoseconds > 0 ? seconds + 1 : seconds))
    }
}
