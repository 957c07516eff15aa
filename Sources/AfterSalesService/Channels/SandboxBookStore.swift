import Model
import Postgres

/// The sandbox channel's book: the only reader and writer of its table.
struct SandboxBookStore: Sendable {
    /// Enters a request.
    ///
    /// The first one of a number decides; later ones are counted, and decide only where it came to nothing.
    func enter(
        _ instruction: RefundInstruction,
        marker: SandboxMarker?,
        at now: Timestamp,
        confirmsAt: Timestamp,
        in session: borrowing Session
    ) throws -> SandboxEntry {
        let first = marker?.firstOutcome ?? .succeeded
        let later = marker?.laterOutcome ?? .succeeded
        return try session.one(
            """
            insert into campus.sandbox_refund as b (
                campus_id, out_refund_no, transaction_id, amount_fen, outcome, received_at, confirms_at
            ) values (
                \(instruction.campus), \(instruction.outRefundNumber), \(instruction.payment.transactionID),
                \(instruction.amount), \(first), \(now), \(confirmsAt)
            )
            on conflict (campus_id, out_refund_no) do update set
                submissions = b.submissions + 1,
                outcome = case when b.outcome in ('lost', 'failed') then \(later) else b.outcome end,
                confirms_at = case when b.outcome in ('lost', 'failed') then excluded.confirms_at else b.confirms_at end
            returning b.outcome, b.submissions, b.confirms_at
            """
        ) { row in try SandboxEntry(row) }
    }

    /// What the book says of a number.
    func find(_ instruction: RefundInstruction, in session: borrowing Session) throws -> SandboxEntry? {
        try session.first(
            """
            select outcome, submissions, confirms_at from campus.sandbox_refund
            where campus_id = \(instruction.campus) and out_refund_no = \(instruction.outRefundNumber)
            """
        ) { row in try SandboxEntry(row) }
    }
}

/// A line of the sandbox channel's book.
struct SandboxEntry: Hashable, Sendable {
    /// What it comes to.
    let outcome: SandboxOutcome
    /// How often it was requested.
    let submissions: Int
    /// When it comes to that.
    let confirmsAt: Timestamp

    /// What the channel says of it at that time; nil when it knows of none.
    ///
    /// - `refusal`: the code that it refuses with.
    func report(at now: Timestamp, number: String, refusal: String) -> ChannelReport? {
        switch outcome {
        case .lost, .failed: settled(number, refusal)
        case .succeeded, .abnormal, .closed:
            now < confirmsAt ? .processing(channelRefundID: number) : settled(number, refusal)
        }
    }

    private func settled(_ number: String, _ refusal: String) -> ChannelReport? {
        switch outcome {
        case .lost: nil
        case .failed: .failed(code: refusal)
        case .succeeded: .succeeded(channelRefundID: number)
        case .abnormal: .abnormal(code: "USER_ACCOUNT_ABNORMAL")
        case .closed: .closed(code: "SANDBOX_CLOSED")
        }
    }
}

extension SandboxEntry {
    fileprivate init(_ row: Row) throws {
        self.init(
            outcome: try row["outcome"],
            submissions: try row["submissions"],
            confirmsAt: try row["confirms_at"]
        )
    }
}

extension SandboxOutcome: PostgresCodable {}
