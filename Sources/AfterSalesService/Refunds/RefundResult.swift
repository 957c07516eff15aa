import Model
import Postgres
import ServiceKit

/// What the platform says came of a refund that it pays itself.
struct RefundResult: Hashable, Sendable {
    /// What came of it.
    let report: ChannelReport
    /// How much was paid; always there when it was.
    let amount: Money?
    /// Where the money went.
    let destination: RefundDestination?
    /// The version of the refund with which the platform was asked for what it reports on, when it says so.
    let request: Int64?
    /// When it happened, as the platform says.
    let at: Timestamp
}

/// Where money that is paid back goes, as WeChat Pay tells it apart.
enum RefundDestination: String, CaseIterable, Hashable, Sendable {
    /// The way it came.
    case original
    /// The payer's balance at the channel, because the card is gone.
    case balance
    /// Another balance, because the account is gone.
    case otherBalance = "other_balance"
    /// Another card, because the card is gone.
    case otherBankCard = "other_bank_card"
}

extension RefundDestination: PostgresCodable {}

/// What was made of a report.
enum ReportOutcome: String, CaseIterable, Hashable, Sendable {
    /// It says where the refund stands now.
    case taken
    /// It does, and came after the answer was given up as lost.
    case late
    /// It says what was known.
    case repeated
    /// What stands is newer.
    case outdated
    /// What stands cannot be true beside it; it stays, and somebody has to look.
    case contradictory

    /// Whether the refund moved by it.
    var isTaken: Bool {
        switch self {
        case .taken, .late: true
        case .repeated, .outdated, .contradictory: false
        }
    }
}

extension ReportOutcome: PostgresCodable {}

extension Refund {
    /// What to make of the platform's report of this refund, which it has been asked for.
    ///
    /// Whatever the order in which reports come, money that is back stays back, and a refund that was released stays
    /// released.
    ///
    /// - `lastRequest`: the refund's version with which the platform was asked for it last.
    func judgement(of result: RefundResult, lastRequest: Int64) -> ReportOutcome {
        switch (status, result.report) {
        case (.succeeded, .succeeded(let number)):
            // Two numbers of the channel under one of ours may be two payments.
            let isSame = number == nil || channelRefundID == nil || number == channelRefundID
            return isSame ? .repeated : .contradictory
        case (.succeeded, .processing): return .outdated
        case (.succeeded, .failed), (.succeeded, .abnormal), (.succeeded, .closed): return .contradictory
        case (.closed, .failed), (.closed, .closed): return .repeated
        case (.closed, .succeeded), (.closed, .processing), (.closed, .abnormal): return .contradictory
        case (.submitting, _), (.processing, _), (.failed, _), (.abnormal, _), (.unknown, _), (.created, _):
            if let request = result.request, request < lastRequest, result.report.status != .succeeded {
                return .outdated
            }
            if saysNothingNew(result.report) { return .repeated }
            return status == .unknown ? .late : .taken
        }
    }

    private func saysNothingNew(_ report: ChannelReport) -> Bool {
        guard status == report.status else { return false }
        return switch report {
        case .processing(let number), .succeeded(let number): number == nil || number == channelRefundID
        case .failed(let code), .abnormal(let code), .closed(let code): code == self.code
        }
    }
}
