import EventLog
import Model
import Postgres

extension Problem {
    /// What a client is told of an error that is no ``Problem``: 503 when the database is what is missing, otherwise a 500 that says
    /// nothing of the inside.
    init(_ error: any Error) {
        switch error {
        case let problem as Problem:
            self = problem
        case let error as PostgresError:
            if let retryAfter = error.retryAfter {
                self = .unavailable(Self.detail(of: error), retryAfter: retryAfter)
            } else {
                self = .internalError
            }
        case EventLogError.overloaded:
            self = .unavailable("Too much is being asked at this moment.")
        case is CancellationError:
            self = .unavailable("The service is shutting down.")
        default:
            self = .internalError
        }
    }

    static let internalError = Problem(
        .internalError,
        "Something went wrong; the log has it under request_id."
    )

    private static func detail(of error: PostgresError) -> String {
        switch error {
        case .commitOutcomeUnknown:
            "The answer to the commit was lost. Repeat under the same Idempotency-Key to learn the outcome."
        case .poolExhausted:
            "Too much is being asked at this moment."
        case .server, .connectionFailed, .connectionLost, .poolClosed, .decoding, .invalidParameter,
            .invalidConfiguration, .unexpectedRowCount:
            "The database cannot answer at this moment."
        }
    }
}
