import Model

/// Events as the other services write them.
enum Samples {
    static let campus = CampusID(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0001)
    static let order = OrderID(high: 0x0192_0000_0000_7001, low: 0x8000_0000_0000_0002)
    static let payment = PaymentID(high: 0x0192_0000_0000_7002, low: 0x8000_0000_0000_0003)
    static let time = Timestamp(seconds: 1_772_337_600)

    static func order(
        _ change: OrderChange,
        id: OrderID = order,
        version: Int64 = 1,
        customer: String = "stu_1",
        merchant: String = "shop_1",
        rider: String? = "rider_1",
        paid: Int64 = 2_050,
        shortNumber: String? = "A12"
    ) -> OrderEvent {
        OrderEvent(
            facts: OrderFacts(
                orderID: id,
                externalID: "P-1001",
                shortNumber: shortNumber,
                source: .own,
                status: .paid,
                version: version,
                customerID: customer,
                merchantID: merchant,
                riderID: rider,
                payable: Money(fen: 2_050),
                paid: Money(fen: paid),
                promisedAt: time,
                isTest: true
            ),
            change: change
        )
    }

    static func afterSales(_ change: CaseChange, isSystem: Bool = false, approved: Int64? = nil) -> CaseEvent {
        CaseEvent(
            facts: CaseFacts(
                caseID: CaseID(high: 5, low: 6),
                orderID: order,
                externalID: "P-1001",
                kind: .refund,
                reason: .late,
                status: .approved,
                version: 1,
                customerID: "stu_1",
                merchantID: "shop_1",
                riderID: "rider_1",
                requested: Money(fen: 2_050),
                approved: approved.map(Money.init(fen:)),
                isSystem: isSystem,
                isTest: true
            ),
            change: change
        )
    }

    static let refundRequest = RefundRequest(
        outTradeNumber: "T1",
        merchantAccount: "1900000001",
        subMerchantAccount: nil,
        paymentAmount: Money(fen: 900),
        payerAmount: nil,
        reason: .late
    )

    static func refund(_ change: RefundChange) -> RefundEvent {
        RefundEvent(
            facts: RefundFacts(
                refundID: RefundID(high: 7, low: 8),
                caseID: CaseID(high: 5, low: 6),
                orderID: order,
                externalID: "P-1001",
                paymentID: payment,
                transactionID: "42000001",
                outRefundNumber: "R1",
                channel: .sandbox,
                amount: Money(fen: 1_205),
                status: .created,
                version: 1,
                customerID: "stu_1",
                merchantID: "shop_1",
                isTest: true
            ),
            change: change
        )
    }
}
