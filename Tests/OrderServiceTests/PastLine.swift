import Model

/// A line of an import: an order of 20.00 yuan at the shop `m_1`, placed two days ago, that went as far as `status`.
struct PastLine {
    static let placedAt = SystemWallClock().now() - .seconds(2 * 86_400)

    var members: JSONObject

    init(_ number: String, _ status: String = "completed", placedAt: Timestamp = Self.placedAt) {
        members = [
            "external_id": .string(number), "customer": ["id": "stu_1"], "merchant": ["id": "m_1", "name": "一食堂"],
            "lines": [
                ["sku": "rice", "name": "米饭", "category": "food", "unit_price_fen": 500, "quantity": 3],
                ["sku": "tea", "name": "茶", "category": "drink", "unit_price_fen": 300, "quantity": 1],
            ],
            "fees": ["delivery_fen": 200, "packaging_fen": 100],
            "discounts": [["funded_by": "platform", "amount_fen": 100, "coupon_id": "welcome"]],
            "totals": ["payable_fen": 2_000], "dropoff": ["address": "紫荆 1 号楼"],
            "promised_at": .string((placedAt + .seconds(1_800)).rfc3339), "placed_at": .string(placedAt.rfc3339),
            "status": .string(status),
        ]
        let minutes = ["accepted": 2, "ready": 10, "picked_up": 12, "delivered": 25, "completed": 60]
        let path = ["accepted", "ready", "picked_up", "delivered", "completed"]
        for step in path.prefix((path.firstIndex(of: status) ?? -1) + 1) {
            members["\(step)_at"] = .string((placedAt + .seconds(60 * Int64(minutes[step] ?? 0))).rfc3339)
        }
        if ["picked_up", "delivered", "completed"].contains(status) {
            members["rider"] = ["id": "r_1", "name": "Wang"]
        }
        if ["delivered", "completed"].contains(status) {
            members["handover"] = ["kind": "door", "proof": ["code": "1234"]]
        }
        if status == "cancelled" {
            members["cancelled_at"] = .string((placedAt + .seconds(300)).rfc3339)
            members["cancellation"] = ["by": "customer:stu_1", "reason": "changed my mind"]
        }
        if status != "placed" { members["payments"] = [Self.payment("t-\(number)", at: placedAt)] }
    }

    static func payment(
        _ transaction: String,
        _ fen: Int64 = 2_000,
        at placedAt: Timestamp = Self.placedAt,
        after seconds: Int64 = 60
    ) -> JSON {
        [
            "channel": "sandbox", "transaction_id": .string(transaction), "amount_fen": .integer(fen),
            "paid_at": .string((placedAt + .seconds(seconds)).rfc3339), "out_trade_no": "o1",
        ]
    }

    static func refund(_ number: String, _ fen: Int64, items: JSON? = nil, of transaction: String? = nil) -> JSON {
        var refund: JSONObject = [
            "out_refund_no": .string(number), "amount_fen": .integer(fen),
            "succeeded_at": .string((placedAt + .seconds(7_200)).rfc3339),
        ]
        refund["items"] = items
        refund["transaction_id"] = transaction.map(JSON.string)
        return .object(refund)
    }

    /// The line with another member, or without it.
    func with(_ name: String, _ value: JSON?) -> PastLine {
        var copy = self
        copy.members[name] = value
        return copy
    }

    var text: String { JSON.object(members).text }
}
