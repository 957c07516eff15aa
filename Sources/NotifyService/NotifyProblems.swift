import ServiceKit

// What NotifyService answers beyond the edge.
extension ProblemKind {
    /// A position in an inbox from which nothing follows.
    static let positionGone = ProblemKind(
        "position-gone",
        status: 410,
        title: "The inbox cannot be read on from there",
        meaning: """
            `reason` says why: `epoch` (the database was restored or taken over since the position was given out), `ahead` (it lies \
            past the newest line) or `pruned` (what follows is no longer kept). Read the inbox without `after`, show that, and go on \
            from its `cursor`.
            """,
        chinese: ProblemWords(
            "无法从该位置继续读取收件箱",
            """
            `reason` 说明原因：`epoch`（给出该位置之后数据库曾恢复或切换）、`ahead`（位置超出最新一条）或 `pruned`（其后的内容已不再保留）。请不带 `after`\
             读取收件箱并显示，再从其 `cursor` 继续。
            """
        )
    )
    /// A place in the feed from which nothing can be said to follow.
    static let cursorExpired = ProblemKind(
        "cursor-expired",
        status: 410,
        title: "The feed cannot be read on from there",
        meaning: """
            `reason` says why: `expired` (events that follow the cursor are no longer kept) or `epoch` (the database was restored or \
            taken over since the cursor was given out, and may lack what it had last). Compare your orders with ours, and go on from \
            `resume_from`: the oldest event that is kept, or where the cursor stands now. Event ids seen just before an `epoch` may \
            mean other events after it.
            """,
        chinese: ProblemWords(
            "无法从该位置继续读取事件",
            """
            `reason` 说明原因：`expired`（游标之后的部分事件已不再保留）或 `epoch`（给出游标之后数据库曾恢复或切换，最后的内容可能缺失）。\
            请核对订单状态，再从 `resume_from` 继续：即仍保留的最早事件，或该游标如今所在的位置。`epoch` 之前刚见过的事件编号此后可能指向别的事件。
            """
        )
    )
    /// Too many streams at once.
    static let tooManyStreams = ProblemKind(
        "too-many-streams",
        status: 429,
        title: "Too many streams are open",
        meaning:
            "Close a stream before opening another; `detail` names the limit. Several views of one person can share one stream.",
        chinese: ProblemWords(
            "打开的实时流过多",
            "请先关闭一个再打开新的；`detail` 写明上限。同一个人的多个界面可以共用一个流。"
        )
    )
    /// Too many endpoints.
    static let tooManyEndpoints = ProblemKind(
        "too-many-endpoints",
        status: 409,
        title: "The campus has as many webhook endpoints as it can have",
        meaning: "Delete an endpoint, or let one take more event types.",
        chinese: ProblemWords(
            "本校园的 webhook 端点已达上限",
            "请删除一个端点，或让某个端点接收更多事件类型。"
        )
    )
    /// Rotated too often.
    static let tooManySecrets = ProblemKind(
        "too-many-secrets",
        status: 409,
        title: "The endpoint has as many secrets as can sign at once",
        meaning: "Secrets that were replaced go on signing for 24 hours. Rotate again when some of them have ended.",
        chinese: ProblemWords(
            "该端点同时有效的签名密钥已达上限",
            "被替换的密钥还会继续签名 24 小时。请等其中一些失效后再轮换。"
        )
    )

    /// Every kind that NotifyService answers with beyond those of the edge.
    static let notify: [ProblemKind] = [
        .positionGone, .cursorExpired, .tooManyStreams, .tooManyEndpoints, .tooManySecrets,
    ]
}
