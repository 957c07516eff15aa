import ServiceKit

extension ProblemKind {
    /// The platform has nothing to report on this refund.
    static let notPaidByPlatform = ProblemKind(
        "not-paid-by-platform",
        status: 409,
        title: "The platform does not pay this refund",
        meaning: """
            Results are reported for refunds of payments whose channel is `delegated`, which the platform pays with its own \
            credentials. What became of this refund its channel is asked directly. Nothing was changed.
            """,
        chinese: ProblemWords(
            "这笔退款不由平台支付",
            "只有支付渠道为 `delegated` 的退款由平台用自己的凭证支付并上报结果。这笔退款的结果由本服务直接向渠道查询。未执行任何操作。"
        )
    )
}
