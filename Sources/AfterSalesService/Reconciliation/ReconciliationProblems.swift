import ServiceKit

extension ProblemKind {
    /// The day may still change.
    static let dayNotClosed = ProblemKind(
        "day-not-closed",
        status: 409,
        title: "The day is not closed yet",
        meaning: """
            Books are sent of days that are over, some minutes after their end in campus time, so that nothing of them changes any \
            more. `closes_at` says when this one is. Ask again then.
            """,
        chinese: ProblemWords(
            "当日账目尚未结账",
            "只提供已结束日期的账目：校园当地日期结束数分钟后结账，此后不再变化。`closes_at` 写明结账时间，届时再查询。"
        )
    )
}
