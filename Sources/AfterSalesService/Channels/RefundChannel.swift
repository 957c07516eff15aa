import Model
import ServiceKit

/// A way for money to travel back.
///
/// Every channel, however it is spoken to, is these two questions.
///
/// A call may take as long as the network takes and is never made inside a transaction. An error that it throws means
/// that the answer was lost, and that whether money moved is not known: a channel that refuses says so in its report.
protocol RefundChannel: Sendable {
    /// Hands a refund to the channel; nil when it says by itself, later, what came of it. The same number again moves no
    /// second money, whatever happened to the first call.
    func submit(_ instruction: RefundInstruction) async throws -> ChannelReport?

    /// Asks what became of a refund; nil when the channel knows none of that number.
    ///
    /// - Throws: ``AnswerOutstanding`` when it says so by itself only, and has not yet.
    func query(_ instruction: RefundInstruction) async throws -> ChannelReport?
}

/// The channel cannot be asked: it says by itself what became of a refund, and has not said the end of it.
struct AnswerOutstanding: Error {}

/// What a channel must be told to pay a refund.
struct RefundInstruction: Hashable, Sendable {
    /// The campus whose account pays.
    let campus: CampusID
    /// The refund's one number.
    let outRefundNumber: String
    /// The payment that is given back.
    let payment: RefundedPayment
    /// How much of it.
    let amount: Money

    /// The instruction for that refund.
    init(_ refund: Refund) {
        campus = refund.campus
        outRefundNumber = refund.outRefundNumber
        payment = refund.payment
        amount = refund.amount
    }
}

/// The channels that this service can speak to.
struct RefundChannels: Sendable {
    /// By the way a payment was made.
    private let channels: [PaymentChannel: any RefundChannel]

    /// These channels and no others.
    init(_ channels: [PaymentChannel: any RefundChannel]) {
        self.channels = channels
    }

    /// The channel for payments that were made that way on that campus; nil when there is none.
    ///
    /// The sandbox pays nobody, so a campus whose money is real has none.
    subscript(channel: PaymentChannel, on campus: Campus) -> (any RefundChannel)? {
        channel == .sandbox && !campus.isTest ? nil : channels[channel]
    }

    /// Through which of their channels these payments of that campus cannot be refunded here.
    func unavailable(for payments: some Sequence<OrderPayment>, on campus: Campus) -> [PaymentChannel] {
        Set(payments.map(\.channel)).filter { self[$0, on: campus] == nil }.sorted { $0.rawValue < $1.rawValue }
    }
}
