import Model
import ServiceKit

/// What is promised of one type of event: what it says, and what every event of it looks like.
///
/// The catalogue, its pages in the documentation and the tests that hold real events to it are all made from this.
struct EventDescription: Sendable {
    /// The type.
    let type: String
    /// What it says happened.
    let summary: LocalizedText
    /// What it carries.
    let data: JSONSchema

    /// A type that carries these members, and no others.
    init(_ type: String, _ chinese: String, _ english: String, _ data: [JSONSchema.Member]) {
        self.type = type
        summary = LocalizedText(zhCN: chinese, en: english)
        self.data = .object(data)
    }

    /// What is promised of that type; nil for what platforms do not see, and for what nothing happens to say yet.
    init?(_ type: EventType) {
        switch type {
        case .orderPlaced, .orderPaid, .orderAccepted, .orderRejected, .orderReady, .orderPickedUp, .orderDelivered,
            .orderCompleted, .orderCancelled, .orderRefundDue, .orderExceptionReported, .orderAnomalyDetected:
            self.init(order: type)
        case .caseOpened, .caseEvidenceRequested, .caseMerchantAsked, .caseReviewStarted, .caseDecided, .caseOfferMade,
            .caseAppealed, .caseWithdrawn, .caseResolved, .caseClosed, .caseCommented:
            self.init(afterSales: type)
        case .refundCreated, .refundRequested, .refundProcessing, .refundSucceeded, .refundFailed, .refundAbnormal,
            .refundUnknown, .refundClosed:
            self.init(refund: type)
        case .partyErasureRequested:
            self.init(
                type.rawValue,
                "请求删除某人的个人信息，各方自行处理",
                "What is known of a person is to be erased; whoever keeps copies does their own part",
                [
                    .required("erasure_id", .id),
                    .required("kind", .enumeration(of: PartyKind.self), "What they are."),
                    .required("party_id", .actorID, "Your own id of them."),
                    .required("requested_at", .timestamp, "What came later is not touched."),
                    .required("test", .boolean, "Whether the campus is a test campus."),
                ]
            )
        case .compensationGranted, .inboxAdvanced, .clockAdvanced:
            return nil
        }
    }

    /// The words for what the catalogue has ahead of the services.
    static func notSent(_ chinese: String, _ english: String) -> (String, String) {
        ("\(chinese)（本版本不发送）", "\(english) (not sent by this version)")
    }

    /// Every type that a platform can be sent, that of trying an endpoint out included.
    static let all: [EventDescription] =
        EventType.allCases.compactMap { EventDescription($0) } + [
            EventDescription(
                WebhookTest.type,
                "试发的事件，用于检查接收端；只经 webhook 发送",
                "A pretend event by which an endpoint is tried out; sent by webhook only",
                [.required("message", .string(length: 1...200))]
            )
        ]

    /// The whole event, as webhooks and the feed carry it.
    var schema: JSONSchema {
        .object([
            .required(
                "id",
                .string(length: 5...24, pattern: .ascii("a-z0-9_")),
                "The event's name, the same in webhooks, feed and inboxes."
            ),
            .required("type", .enumeration([type])),
            .required("timestamp", .timestamp, "When it happened, by the campus's clock."),
            .required("test", .boolean, "Whether the campus is a test campus."),
            .required("data", data),
        ])
    }

    /// The schema as a document of its own.
    var document: JSON {
        schema.document(["title": .string(type), "description": .string(summary.en)])
    }
}
