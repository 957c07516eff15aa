import EventLog
import Model
import Postgres
import ServiceKit

/// Records where riders are: whatever arrives while a batch is in flight goes into the next one, as one statement.
struct RecordPositions: Sendable {
    /// The most reports in one statement.
    static let batchLimit = 256

    private let coalescer: Coalescer<PositionReport, PositionOutcome>

    init(pool: ConnectionPool, positions: PositionStore) {
        coalescer = Coalescer(limit: Self.batchLimit, subject: \.order) { reports in
            try await pool.autocommit { try positions.record(reports, in: $0) }
        }
    }

    /// Records the positions that the call reports.
    func callAsFunction(_ call: Call) async throws -> Reply {
        let actor = call.principal.actor
        let report = PositionReport(
            order: try OrderKey(call),
            rider: actor.role == .rider ? actor.id : nil,
            positions: try RiderPosition.parsed(call.body, now: call.now)
        )
        switch try await coalescer.submit(report) {
        case .recorded: return .noContent
        case .notFound: throw Problem.notFound
        case .notOnItsWay(let status):
            throw Problem.illegalTransition(state: status.rawValue, allowed: [])
        }
    }
}

extension RiderPosition {
    /// Reads a report that is as ``DeliverySchemas/positions`` says.
    fileprivate static func parsed(_ body: JSON, now: Timestamp) throws(Problem) -> [RiderPosition] {
        var faults: [Fault] = []
        var positions: [RiderPosition] = []
        for (index, json) in (body["positions"]?.array ?? []).enumerated() {
            guard let latitude = json["lat"]?.number, let longitude = json["lng"]?.number,
                let at = json["at"]?.string.flatMap(Timestamp.init(rfc3339:))
            else { continue }
            if at > now + reportedTimeTolerance {
                faults.append(Fault("/positions/\(index)/at", "lies more than 60 s ahead of the campus's clock"))
            }
            if at < earliestReportedTime {
                faults.append(Fault("/positions/\(index)/at", "must not lie before the year 2000"))
            }
            positions.append(RiderPosition(latitude: latitude, longitude: longitude, at: at))
        }
        guard faults.isEmpty else { throw .validation(faults) }
        return positions
    }
}
