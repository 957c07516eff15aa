import Model
import Testing

@testable import NotifyService

/// One line of the table of who hears of what.
struct AudienceCase: Sendable, CustomTestStringConvertible {
    let event: DomainEvent
    let actor: Actor
    let expected: [RecipientKind]
    let note: String

    var type: EventType {
        switch event {
        case .order(let event): event.type
        case .afterSales(let event): event.type
        case .refund(let event): event.type
        }
    }

    var testDescription: String { "\(type.rawValue) \(note)" }

    init(_ event: DomainEvent, by role: Role = .system, tells expected: [RecipientKind], _ note: String = "") {
        self.event = event
        actor = Actor(role: role, id: "x_1")
        self.expected = expected
        self.note = note
    }

    static let customer = Actor(role: .customer, id: "stu_1")
    static let merchant = Actor(role: .merchant, id: "shop_1")
    static let rider = Actor(role: .rider, id: "rider_1")
    static let due = RefundDue(paymentID: Samples.payment, cause: .excess, amount: Money(fen: 100))

    static let table: [AudienceCase] = [
        AudienceCase(.order(Samples.order(.placed)), tells: [.customer]),
        AudienceCase(
            .order(Samples.order(.paid(payment: Samples.payment, channel: .sandbox))),
            tells: [.customer, .merchant]
        ),
        AudienceCase(.order(Samples.order(.accepted)), tells: [.customer]),
        AudienceCase(.order(Samples.order(.rejected(reason: "sold out"))), tells: [.customer]),
        AudienceCase(.order(Samples.order(.ready)), tells: [.customer, .rider]),
        AudienceCase(.order(Samples.order(.ready, rider: nil)), tells: [.customer], "without a rider"),
        AudienceCase(.order(Samples.order(.pickedUp)), tells: [.customer]),
        AudienceCase(.order(Samples.order(.delivered(handover: .locker))), tells: [.customer]),
        AudienceCase(.order(Samples.order(.completed)), tells: [.merchant]),
        AudienceCase(
            .order(Samples.order(.cancelled(reason: "changed_mind", by: customer))),
            tells: [.customer, .merchant, .rider]
        ),
        AudienceCase(
            .order(Samples.order(.cancelled(reason: "payment_deadline", by: .system("timer")), rider: nil, paid: 0)),
            tells: [.customer],
            "before it was paid"
        ),
        AudienceCase(.order(Samples.order(.refundDue(due))), tells: []),
        AudienceCase(
            .order(Samples.order(.exceptionReported(kind: .spilled, by: rider))),
            tells: [.customer, .merchant, .desk]
        ),
        AudienceCase(
            .order(Samples.order(.exceptionReported(kind: .outOfStock, by: merchant))),
            tells: [.customer, .desk],
            "by the merchant"
        ),
        AudienceCase(.order(Samples.order(.anomalyDetected(kind: "stuck"))), tells: [.desk]),

        AudienceCase(.afterSales(Samples.afterSales(.opened)), tells: [.customer, .merchant]),
        AudienceCase(.afterSales(Samples.afterSales(.opened, isSystem: true)), tells: [], "by the services"),
        AudienceCase(
            .afterSales(Samples.afterSales(.resolved(returnedCoupons: []), isSystem: true)),
            tells: [],
            "by the services"
        ),
        AudienceCase(
            .afterSales(Samples.afterSales(.decided(verdict: .approved, reasons: []), isSystem: true)),
            tells: [],
            "by the services"
        ),
        AudienceCase(.afterSales(Samples.afterSales(.evidenceRequested)), tells: [.customer]),
        AudienceCase(.afterSales(Samples.afterSales(.merchantAsked)), tells: [.merchant]),
        AudienceCase(.afterSales(Samples.afterSales(.reviewStarted)), tells: [.customer, .desk]),
        AudienceCase(
            .afterSales(Samples.afterSales(.decided(verdict: .approved, reasons: []))),
            tells: [.customer, .merchant]
        ),
        AudienceCase(
            .afterSales(Samples.afterSales(.decided(verdict: .rejected, reasons: []))),
            tells: [.customer, .merchant]
        ),
        AudienceCase(
            .afterSales(Samples.afterSales(.decided(verdict: .inReview, reasons: []))),
            tells: [],
            "to a person"
        ),
        AudienceCase(.afterSales(Samples.afterSales(.offerMade)), tells: [.customer]),
        AudienceCase(.afterSales(Samples.afterSales(.appealed)), tells: [.merchant, .desk]),
        AudienceCase(.afterSales(Samples.afterSales(.withdrawn)), tells: [.merchant]),
        AudienceCase(.afterSales(Samples.afterSales(.resolved(returnedCoupons: []))), tells: [.customer]),
        AudienceCase(.afterSales(Samples.afterSales(.closed)), tells: []),
        AudienceCase(.afterSales(Samples.afterSales(.commented)), by: .customer, tells: [.merchant, .desk]),
        AudienceCase(.afterSales(Samples.afterSales(.commented)), by: .merchant, tells: [.customer, .desk]),
        AudienceCase(.afterSales(Samples.afterSales(.commented)), by: .rider, tells: [.customer, .desk]),
        AudienceCase(.afterSales(Samples.afterSales(.commented)), by: .agent, tells: [.customer]),

        AudienceCase(.refund(Samples.refund(.created)), tells: [.customer]),
        AudienceCase(.refund(Samples.refund(.requested(Samples.refundRequest))), tells: []),
        AudienceCase(.refund(Samples.refund(.processing)), tells: []),
        AudienceCase(.refund(Samples.refund(.succeeded)), tells: [.customer, .merchant]),
        AudienceCase(.refund(Samples.refund(.failed(code: "X"))), tells: [.customer, .desk]),
        AudienceCase(.refund(Samples.refund(.abnormal(code: "X"))), tells: [.customer, .desk]),
        AudienceCase(.refund(Samples.refund(.unknown)), tells: [.desk]),
        AudienceCase(.refund(Samples.refund(.closed)), tells: [.customer, .desk]),
    ]
}

@Suite("Who hears of what, in which words")
struct AudienceTests {
    @Test("Each event tells exactly whom it concerns", arguments: AudienceCase.table)
    func audience(_ line: AudienceCase) {
        let recipients = line.event.audience(actor: line.actor, campus: Samples.campus)
        #expect(recipients.map(\.kind) == line.expected)
        #expect(Set(recipients).count == recipients.count)
        for recipient in recipients {
            #expect(recipient.campus == Samples.campus)
            let id =
                switch recipient.kind {
                case .customer: "stu_1"
                case .merchant: "shop_1"
                case .rider: "rider_1"
                case .desk: "desk"
                }
            #expect(recipient.id == id)
        }
    }

    @Test("The table has every type that another service writes about an order, a case or a refund")
    func complete() {
        let served = Set(AudienceCase.table.map(\.type))
        let own: Set<EventType> = [
            .inboxAdvanced, .clockAdvanced, .compensationGranted, .partyErasureRequested,
        ]
        #expect(Set(EventType.allCases).subtracting(own) == served)
    }

    @Test("Whoever is told is told in Chinese and in English, with words of their own", arguments: AudienceCase.table)
    func words(_ line: AudienceCase) {
        for kind in line.expected {
            let text = NoticeText(type: line.type.rawValue, for: kind, data: line.event.noticeData)
            #expect(text.title.en != "New notice")
            for words in [text.title, text.body] {
                #expect(words.zhCN.unicodeScalars.contains { (0x4e00...0x9fff).contains($0.value) })
                #expect(words.en.unicodeScalars.allSatisfy { $0.isASCII || $0 == "¥" })
                #expect(!words.zhCN.contains("  ") && !words.en.contains("  "))
                #expect(!words.en.isEmpty)
            }
        }
    }

    @Test(
        "What a line carries holds no one's id but the case's, the order's and the refund's",
        arguments: AudienceCase.table
    )
    func discreet(_ line: AudienceCase) {
        let text = line.event.noticeData.text
        #expect(!text.contains("stu_1") && !text.contains("shop_1") && !text.contains("rider_1"))
        #expect(!text.contains("42000001"))
    }

    @Test("Amounts are in yuan with two digits; a decision gives its reasons")
    func decision() {
        let reasons = [LocalizedText(zhCN: "晚了 20 分钟。", en: "20 minutes late.")]
        let event = Samples.afterSales(.decided(verdict: .approved, reasons: reasons), approved: 1_205)
        let text = NoticeText(type: event.type.rawValue, for: .customer, data: DomainEvent.afterSales(event).noticeData)
        #expect(text.title == LocalizedText(zhCN: "申请已通过", en: "Request approved"))
        #expect(text.body == LocalizedText(zhCN: "退款 ¥12.05。晚了 20 分钟。", en: "You get ¥12.05 back. 20 minutes late."))
    }

    @Test("A line of a type that only a newer service knows says that there is news")
    func unknownType() {
        let text = NoticeText(type: "order.teleported", for: .merchant, data: ["external_id": "P-1"])
        #expect(text.title.en == "New notice")
        #expect(text.body.en == "There is news about order P-1.")
    }
}
