import HTTPTypes
import Model
import ServiceKit

extension ProblemKind {
    /// The day may still change.
    static let dayNotClosed = ProblemKind(
        "day-not-closed",
        status: 409,
        title: "The day is not closed yet",
        meaning: """
            Books are sent of days that are over and closed: some minutes after their end in campus time (`closes_at`), one after the \
            other, so that nothing of them changes any more. `Retry-After` says when to ask again: when the day is over, or, when it \
            is and earlier days are not closed yet, in a moment.
            """,
        chinese: ProblemWords(
            "当日账目尚未结账",
            """
            只提供已结账日期的账目：校园当地日期结束数分钟后（`closes_at`）按日期先后逐日结账，此后不再变化。`Retry-After` 说明何时再查询：\
            当日尚未结束的，等到结账之后；当日已结束而更早的日期尚未结账的，稍候即可。
            """
        )
    )
}

extension Problem {
    /// A day that is not closed at `closesAt` yet, or whose turn has not come.
    ///
    /// - `retryAfter`: when to ask again.
    static func dayNotClosed(_ detail: String, closesAt: Timestamp, retryAfter: Duration) -> Problem {
        Problem(
            .dayNotClosed,
            detail,
            members: ["closes_at": .string(closesAt.rfc3339)],
            headers: [.retryAfter: retryAfter.retryAfter]
        )
    }
}
