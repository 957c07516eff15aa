import HTTPTypes
import ServiceKit

extension ProblemKind {
    /// Too many imports at once.
    static let tooManyImports = ProblemKind(
        "too-many-imports",
        status: 429,
        title: "Too many imports are under way",
        meaning: """
            An import keeps a database connection and much of a processor busy. Send the lines of one import after the other, or as one \
            request, and begin the next when `Retry-After` has passed; `detail` names the limit. Nothing of this request was read.
            """,
        chinese: ProblemWords(
            "同时进行的导入过多",
            "导入会长时间占用数据库连接和处理器。请依次发送，或合并为一个请求，等 `Retry-After` 之后再开始下一个；`detail` 写明上限。本次请求的内容完全没有读取。"
        )
    )

    /// Every kind that importing adds.
    static let imports: [ProblemKind] = [.tooManyImports]
}

extension Problem {
    /// No import can begin now.
    init(_ refusal: Slots.Refusal) {
        switch refusal {
        case .tooManyOfOwner(let limit), .tooManyInCampus(let limit):
            self.init(
                .tooManyImports,
                "At most \(limit) requests of a campus can import at once.",
                headers: [.retryAfter: "10"]
            )
        case .full:
            self = .unavailable("The service takes in as many imports as it can.", retryAfter: .seconds(10))
        }
    }
}
