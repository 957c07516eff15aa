/// The platform itself: it pays with credentials of its own, and reports what came of it in its own time.
///
/// There is nobody to call. `refund.requested` is appended in the transaction in which the refund begins to be submitted, so
/// that no crash can come between the two; the platform's word comes by ``TakeResult``, and its silence ends by
/// ``RefundTimer``.
struct DelegatedChannel: RefundChannel {
    func submit(_ instruction: RefundInstruction) async throws -> ChannelReport? { nil }

    func query(_ instruction: RefundInstruction) async throws -> ChannelReport? { throw AnswerOutstanding() }
}
