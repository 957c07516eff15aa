import EventLog
import Model
import Postgres
import ServiceKit

/// What a refund's timers are for.
enum RefundTimer: String, CaseIterable, Hashable, Sendable {
    /// The platform should have said by now what came of it.
    case silence = "refund.silence"
}

extension TimerStore {
    /// The statement that sets by when the platform must have said something of a refund that it pays: while it has been
    /// asked, or says that it is at it; in every other state nothing is waited for.
    ///
    /// The campus's settings say how long, on its clock.
    func watching(for refund: Refund, on campus: Campus, at now: Timestamp) -> SQL {
        let patience: Duration? =
            switch refund.status {
            case .submitting: campus.settings.refundAnswer
            case .processing: campus.settings.refundProgress
            case .created, .succeeded, .failed, .abnormal, .unknown, .closed: nil
            }
        guard let patience else {
            return cancelSQL(kind: RefundTimer.silence.rawValue, subjects: [refund.id.retyped()])
        }
        return armSQL([
            NewTimer(
                kind: RefundTimer.silence.rawValue,
                subject: refund.id.retyped(),
                campus: refund.campus,
                dueAt: now + patience,
                payload: ["order_id": .string(refund.orderID.description)]
            )
        ])
    }
}
