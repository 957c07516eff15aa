import Model

/// The order that measures place by hand: one dish, 18 yuan with its fees.
func orderRequest(_ number: Int, promisedAt: Timestamp) -> JSON {
    [
        "customer": ["id": .string("student-\(number)")],
        "merchant": ["id": "canteen-1", "name": "一食堂"],
        "lines": [["sku": "rice", "name": "红烧肉饭", "category": "meal", "unit_price_fen": 1_500, "quantity": 1]],
        "fees": ["delivery_fen": 200, "packaging_fen": 100],
        "discounts": [],
        "dropoff": ["address": "北区 3 栋 402"],
        "promised_at": .string(promisedAt.rfc3339),
    ]
}
