import Postgres

/// What a failed batch says about its events.
enum BatchFailure {
    /// Nothing: the database, or the way to it, is in trouble; the same batch may succeed later.
    case passing
    /// Nothing yet: a limit of time was hit, by an event or by circumstances.
    case timeout
    /// Another instance holds the shards.
    case leaseLost
    /// The task is cancelled.
    case cancelled
    /// An event cannot be handled, now or later.
    case poison

    init(_ error: any Error) {
        switch error {
        case is CancellationError: self = .cancelled
        case EventLogError.leaseLost: self = .leaseLost
        case EventLogError.tickMissing: self = .passing
        case let error as PostgresError: self.init(error)
        default: self = .poison
        }
    }

    private init(_ error: PostgresError) {
        switch error {
        case .server(let server):
            let state = server.sqlState
            if state == .leaseLost {
                self = .leaseLost
            } else if state == .queryCanceled || state == .lockNotAvailable {
                self = .timeout
            } else if state.isRetryable || state.endsSession || ["53", "55", "57", "58"].contains(state.errorClass) {
                self = .passing
            } else {
                self = .poison
            }
        case .connectionFailed, .connectionLost, .commitOutcomeUnknown, .poolExhausted, .poolClosed,
            .invalidConfiguration:
            self = .passing
        case .decoding, .invalidParameter, .unexpectedRowCount:
            self = .poison
        }
    }
}
