import Model
import Testing

@Suite struct EventPayloadTests {
    private static let orderID = OrderID(high: 1, low: 2)
    private static let orderFacts = OrderFacts(
        orderID: orderID,
        externalID: "P-1",
        shortNumber: nil,
        source: .own,
        status: .paid,
        version: 2,
        customerID: "stu_1",
        merchantID: "m_1",
        riderID: nil,
        payable: Money(fen: 1_850),
        paid: Money(fen: 1_850),
        promisedAt: Timestamp(seconds: 1_772_337_906),
        isTest: true
    )
    private static let caseFacts = CaseFacts(
        caseID: CaseID(high: 3, low: 4),
        orderID: orderID,
        externalID: nil,
        kind: .refund,
        reason: .late,
        status: .approved,
        version: 2,
        customerID: "stu_1",
        merchantID: "m_1",
        riderID: "r_1",
        requested: Money(fen: 900),
        approved: Money(fen: 900),
        isSystem: false,
        isTest: false
    )
    private static let refundFacts = RefundFacts(
        refundID: RefundID(high: 5, low: 6),
        caseID: CaseID(high: 3, low: 4),
        orderID: orderID,
        externalID: "P-1",
        paymentID: PaymentID(high: 7, low: 8),
        transactionID: "tx-1",
        outRefundNumber: "R1",
        channel: .sandbox,
        amount: Money(fen: 900),
        status: .failed,
        version: 3,
        customerID: "stu_1",
        merchantID: "m_1",
        isTest: false
    )

    private static let fullRequest = RefundRequest(
        outTradeNumber: "T1",
        merchantAccount: "1900000001",
        subMerchantAccount: "1900000002",
        paymentAmount: Money(fen: 1_900),
        payerAmount: Money(fen: 1_700),
        reason: .late
    )
    private static let bareRequest = RefundRequest(
        outTradeNumber: nil,
        merchantAccount: nil,
        subMerchantAccount: nil,
        paymentAmount: Money(fen: 900),
        payerAmount: nil,
        reason: nil
    )

    @Test(arguments: [
        OrderChange.placed, .paid(payment: PaymentID(high: 7, low: 8), channel: .wechat), .accepted,
        .rejected(reason: "sold out"),
        .ready, .pickedUp, .delivered(handover: .locker), .completed,
        .cancelled(reason: "changed plans", by: Actor(role: .customer, id: "stu_1")),
        .refundDue(RefundDue(paymentID: PaymentID(high: 7, low: 8), cause: .duplicate, amount: Money(fen: 1))),
        .exceptionReported(kind: .spilled, by: Actor(role: .rider, id: "r_1")), .anomalyDetected(kind: "silence"),
    ])
    func orderEventsAreReadBack(change: OrderChange) throws {
        let event = OrderEvent(facts: Self.orderFacts, change: change)
        #expect(try OrderEvent(type: event.type, json: JSON(parsing: event.json.text)) == event)
    }

    @Test(arguments: [
        CaseChange.opened, .evidenceRequested, .merchantAsked, .reviewStarted,
        .decided(verdict: .approved, reasons: [LocalizedText(zhCN: "超时", en: "late")]), .offerMade, .appealed,
        .withdrawn,
        .resolved(returnedCoupons: ["c_1"]), .closed, .commented,
    ])
    func caseEventsAreReadBack(change: CaseChange) throws {
        let event = CaseEvent(facts: Self.caseFacts, change: change)
        #expect(try CaseEvent(type: event.type, json: JSON(parsing: event.json.text)) == event)
    }

    @Test(arguments: [
        RefundChange.created, .requested(fullRequest), .requested(bareRequest), .processing, .succeeded,
        .failed(code: "NOT_ENOUGH"),
        .abnormal(code: "CARD_DEAD"),
        .unknown, .closed,
    ])
    func refundEventsAreReadBack(change: RefundChange) throws {
        let event = RefundEvent(facts: Self.refundFacts, change: change)
        #expect(try RefundEvent(type: event.type, json: JSON(parsing: event.json.text)) == event)
    }

    @Test func eachMissingFieldIsNamed() throws {
        let event = OrderEvent(facts: Self.orderFacts, change: .placed)
        for field in [
            "order_id", "source", "status", "version", "customer_id", "merchant_id", "payable_fen", "promised_at",
            "test",
        ] {
            var object = try #require(event.json.object)
            object[field] = nil
            let mismatch = #expect(throws: PayloadMismatch.self) {
                try OrderEvent(type: .orderPlaced, json: .object(object))
            }
            #expect(mismatch?.field == field)
        }
        #expect(throws: PayloadMismatch.self) { try OrderEvent(type: .caseOpened, json: event.json) }
    }

    @Test("A request to erase somebody is read back, and says nothing of them but their id")
    func erasure() throws {
        let request = ErasureRequest(
            id: ErasureID(high: 9, low: 10),
            party: Party(kind: .rider, id: "r_1"),
            requestedAt: Timestamp(seconds: 1_772_337_906),
            isTest: true
        )
        #expect(try ErasureRequest(type: request.type, json: request.json) == request)
        #expect(
            request.json.object?.members.map(\.name) == ["erasure_id", "kind", "party_id", "requested_at", "test"]
        )
        #expect(throws: PayloadMismatch(field: "type")) { try ErasureRequest(type: .orderPaid, json: request.json) }
    }
}
