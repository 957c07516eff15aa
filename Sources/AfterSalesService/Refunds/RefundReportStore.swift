import Model
import Postgres

/// The only writer and reader of what the platform reports of refunds; its rows are never changed.
struct RefundReportStore: Sendable {
    /// How often the platform was asked for a refund, and the refund's version with which it was last; 0 when it was not yet.
    func requests(of refund: Refund, in session: borrowing Session) throws -> (count: Int64, last: Int64) {
        try session.one(
            """
            select count(*) as count, coalesce(max(version), 0)::bigint as last from campus.refund_timeline
            where campus_id = \(refund.campus) and refund_id = \(refund.id) and status = 'submitting'
            """
        ) { row in (try row["count"], try row["last"]) }
    }

    /// Whether the platform contradicted what stands with the same words before.
    func isKnownContradiction(
        _ report: ChannelReport,
        of refund: Refund,
        in session: borrowing Session
    ) throws -> Bool {
        try session.one(
            """
            select exists (
                select from campus.refund_report
                where campus_id = \(refund.campus) and refund_id = \(refund.id) and outcome = 'contradictory'
                    and stood = \(refund.status) and result = \(report.status)
                    and (
                        code is not distinct from \(report.code)
                        and channel_refund_id is not distinct from \(report.channelRefundID)
                        -- Released money that moved is one trouble, however it is told.
                        or stood = 'closed' and result = 'succeeded'
                    )
            ) as is_known
            """
        ) { row in try row["is_known"] }
    }

    /// The statement that stores a report about a locked refund, which stood as `refund` says when it came.
    func insertion(
        of result: RefundResult,
        about refund: Refund,
        outcome: ReportOutcome,
        _ cause: Cause
    ) -> SQL {
        """
        insert into campus.refund_report (
            campus_id, refund_id, number, stood, result, code, channel_refund_id, amount_fen, destination, outcome, actor,
            at, received_at
        )
        select \(refund.campus), \(refund.id), (
                select coalesce(max(number), 0) + 1 from campus.refund_report
                where campus_id = \(refund.campus) and refund_id = \(refund.id)
            ), \(refund.status), \(result.report.status), \(result.report.code), \(result.report.channelRefundID),
            \(result.amount), \(result.destination), \(outcome), \(cause.actor.description), \(result.at), \(cause.at)
        """
    }
}

extension ChannelReport {
    /// The channel's word for why it is not paid, when it says.
    var code: String? {
        switch self {
        case .processing, .succeeded: nil
        case .failed(let code), .abnormal(let code), .closed(let code): code
        }
    }

    /// The channel's own number of the refund, when it says.
    var channelRefundID: String? {
        switch self {
        case .processing(let number), .succeeded(let number): number
        case .failed, .abnormal, .closed: nil
        }
    }
}
