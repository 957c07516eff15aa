import Model
import ServiceKit

@testable import AfterSalesService

/// Values that tests of pure code start from.
enum Examples {
    static let now = Timestamp(seconds: 1_772_337_600)

    static func makeCase(status: CaseStatus) -> AfterSalesCase {
        AfterSalesCase(
            id: CaseID(high: 1, low: 1),
            campus: CampusID(high: 1, low: 0),
            orderID: OrderID(high: 2, low: 1),
            externalID: nil,
            kind: .refund,
            reason: .quality,
            customerID: "stu_1",
            merchantID: "m_1",
            riderID: nil,
            openedBy: Actor(role: .customer, id: "stu_1"),
            isSystem: false,
            isTest: false,
            source: "app",
            asksWholeOrder: true,
            description: nil,
            requested: Money(fen: 10),
            policyVersion: 1,
            openedAt: now - .seconds(60),
            reviewDueAt: now + .seconds(600),
            decisionDueAt: now + .seconds(86_400),
            status: status,
            version: 3,
            updatedAt: now - .seconds(60),
            priorityAt: now + .seconds(600)
        )
    }

    static func makeRefund(
        status: RefundStatus,
        channel: PaymentChannel = .sandbox,
        code: String? = nil,
        channelRefundID: String? = nil
    ) -> Refund {
        Refund(
            id: RefundID(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0007),
            campus: CampusID(high: 1, low: 0),
            caseID: CaseID(high: 1, low: 1),
            orderID: OrderID(high: 2, low: 1),
            externalID: nil,
            customerID: "stu_1",
            merchantID: "m_1",
            isTest: false,
            payment: RefundedPayment(
                id: PaymentID(high: 3, low: 1),
                channel: channel,
                transactionID: "txn_1",
                outTradeNumber: nil,
                merchantAccount: nil,
                subMerchantAccount: nil,
                amount: Money(fen: 100)
            ),
            amount: Money(fen: 10),
            reason: .late,
            automatic: true,
            createdAt: now - .seconds(60),
            status: status,
            version: 4,
            code: code,
            channelRefundID: channelRefundID,
            updatedAt: now - .seconds(60)
        )
    }

    static func makeOrder(
        lines: [(quantity: Int, payable: Int64)] = [(1, 1_500), (3, 1_000)],
        delivery: Int64 = 300,
        packaging: Int64 = 100,
        status: OrderStatus = .delivered,
        discounts: [OrderDiscount] = [],
        payments: [(settled: Int64, surplus: Int64)] = []
    ) -> OrderRecord {
        let payable: Int64 = lines.reduce(delivery + packaging) { $0 + $1.payable }
        var paid = payments
        if paid.isEmpty { paid.append((settled: payable, surplus: 0)) }
        return OrderRecord(
            id: OrderID(high: 2, low: 1),
            externalID: nil,
            source: .own,
            status: status,
            customerID: "stu_1",
            merchantID: "m_1",
            riderID: nil,
            lines: lines.enumerated().map { index, line in
                OrderLine(number: index + 1, name: "x", quantity: line.quantity, payable: Money(fen: line.payable))
            },
            deliveryPayable: Money(fen: delivery),
            packagingPayable: Money(fen: packaging),
            payable: Money(fen: payable),
            discounts: discounts,
            promisedAt: now - .seconds(3_600),
            policyVersion: 1,
            acceptedAt: now - .seconds(5_000),
            deliveredAt: status == .delivered ? now - .seconds(3_600) : nil,
            cancelledAt: status == .cancelled ? now : nil,
            handover: status == .delivered ? .door : nil,
            payments: paid.enumerated().map { index, amounts in
                OrderPayment(
                    id: PaymentID(high: 3, low: UInt64(index + 1)),
                    channel: .sandbox,
                    transactionID: "txn_\(index)",
                    outTradeNumber: nil,
                    merchantAccount: nil,
                    subMerchantAccount: nil,
                    amount: Money(fen: amounts.settled + amounts.surplus),
                    settled: Money(fen: amounts.settled),
                    surplus: Money(fen: amounts.surplus)
                )
            }
        )
    }

    static func makePayment(_ channel: PaymentChannel) -> OrderPayment {
        OrderPayment(
            id: PaymentID(high: 3, low: 9),
            channel: channel,
            transactionID: "txn",
            outTradeNumber: nil,
            merchantAccount: nil,
            subMerchantAccount: nil,
            amount: Money(fen: 1),
            settled: Money(fen: 1),
            surplus: .zero
        )
    }

    static func makeCampus(isTest: Bool) -> Campus {
        Campus(
            id: CampusID(high: 1, low: 0),
            code: "example",
            name: "Example",
            isTest: isTest,
            settings: CampusSettings(),
            timezone: CampusTimezone(name: "UTC", changes: [])
        )
    }

    static func makeInputs(reason: CaseReason) -> DecisionInputs {
        DecisionInputs(
            now: now,
            policyVersion: 1,
            kind: .refund,
            reason: reason,
            requested: Money(fen: 1_000),
            orderStatus: .pickedUp,
            promisedAt: now,
            acceptedAt: now - .seconds(1_800),
            deliveredAt: nil,
            cancelledAt: nil,
            handover: nil,
            payments: 1,
            surplusLeft: .zero,
            unavailableChannels: [],
            due: nil,
            refusedBefore: [],
            memberTier: nil,
            accountAgeDays: nil,
            newAccount: .seconds(7 * 86_400),
            largeClaim: Money(fen: 10_000),
            lateThreshold: .seconds(900),
            claimWindow: .seconds(7 * 86_400),
            reviewDueAt: now + .seconds(600),
            reviewDue: LocalTime(day: CampusCalendar.Day(number: 20_513), minute: 730)
        )
    }
}
