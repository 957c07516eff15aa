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
