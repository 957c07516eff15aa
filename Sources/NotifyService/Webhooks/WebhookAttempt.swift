import Model
import Postgres
import ServiceKit

/// What came of one request, or of the decision not to make it.
struct WebhookAttempt: Hashable, Sendable {
    /// Why it was made.
    enum Reason: String, CaseIterable, Hashable, Sendable, PostgresCodable {
        /// The event was new, or its time to be tried again had come.
        case schedule
        /// Somebody asked for the event again.
        case replay
        /// Somebody tried the endpoint out.
        case test
    }

    /// How it ended.
    enum Outcome: String, CaseIterable, Hashable, Sendable, PostgresCodable {
        /// A status of 200 to 299.
        case delivered
        /// Any other status; redirects are not followed.
        case refused
        /// No answer: no connection, no TLS, or the connection broke; or no request, because it could not be signed.
        case failed
        /// No answer in time.
        case timedOut = "timed_out"
        /// A status of 410: the endpoint wants no more.
        case gone
    }

    /// When it began.
    let attemptedAt: Timestamp
    /// How long it took.
    let latency: Duration
    /// How it ended.
    let outcome: Outcome
    /// The status of the answer, where there was one.
    let httpStatus: Int?
    /// What went wrong without an answer, in a few words.
    let error: String?
    /// The start of the answer's body, with what looks like a secret struck out.
    let responseExcerpt: String?
    /// How long the receiver asks to be left alone.
    let retryAfter: Duration?
}

extension WebhookAttempt {
    /// An attempt that failed before a request could be made.
    static func unsent(at time: Timestamp, error: String) -> WebhookAttempt {
        WebhookAttempt(
            attemptedAt: time,
            latency: .zero,
            outcome: .failed,
            httpStatus: nil,
            error: error,
            responseExcerpt: nil,
            retryAfter: nil
        )
    }
}

/// Words of strangers, cut and cleaned before they are kept.
enum ResponseExcerpt {
    /// How many Unicode scalars of an answer are kept.
    static let limit = 1_000

    /// The start of a body on one line, with what looks like a secret or a phone number masked; nil for an empty body.
    static func make(_ bytes: [UInt8]) -> String? {
        let excerpt = cleaned(String(decoding: bytes.prefix(limit * 4), as: UTF8.self), limit: limit)
        return excerpt.isEmpty ? nil : excerpt
    }

    /// The start of a text on one line, with what looks like a secret or a phone number masked.
    static func cleaned(_ text: String, limit: Int) -> String {
        let line = String.UnicodeScalarView(
            text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
        )
        return String(String.UnicodeScalarView(Redaction.masked(String(line)).unicodeScalars.prefix(limit)))
    }
}
