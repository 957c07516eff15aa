import Model

/// Orders, waits, eats, complains; through the platform's server, as a mini-program's user does.
struct Student: Sendable {
    let id: String
    let cast: Cast
    let campus: CampusAccess

    /// Where everybody lives; told in confidence.
    static let street = "紫荆公寓"
    /// The device that everybody orders with; told in confidence.
    static let device = "device-7f3a90c1"
    /// The address that everybody orders from; told in confidence.
    static let network = "203.0.113.77"

    private var caller: Caller { .user("customer:\(id)") }

    /// Places the order as planned; `promisedAt` is campus time, in the past for an order that is to be late.
    func place(_ plan: OrderPlan, promisedAt: Timestamp) async throws -> PlacedOrder {
        let stall = Stall.all[plan.stall]
        var order: JSONObject = [
            "external_id": .string(cast.externalID(of: plan)),
            "short_no": .string("\(plan.number)"),
            "customer": ["id": .string(id)],
            "merchant": ["id": .string(cast.merchant(plan.stall)), "name": .string(stall.name)],
            "lines": .array(plan.lines.map(\.json)),
            "fees": ["delivery_fen": .integer(plan.deliveryFen), "packaging_fen": .integer(plan.packagingFen)],
            "dropoff": [
                "address": .string("\(Self.street) \(plan.student % 9 + 1) 号楼 \(plan.number + 100)"), "lat": 40.0117,
                "lng": 116.3262,
            ],
            "promised_at": .string(promisedAt.rfc3339),
            "client": ["ip": .string(Self.network), "device_id": .string(Self.device)],
        ]
        if plan.couponFen > 0 {
            order["discounts"] = [
                [
                    "funded_by": "platform", "amount_fen": .integer(plan.couponFen), "applies_to": "order",
                    "coupon_id": .string("lunch-\(plan.couponFen)"),
                ]
            ]
        }
        let answer = try await campus.order.post(
            "/v1/orders",
            .object(order),
            key: cast.key(plan, "place"),
            as: caller
        )
        return try PlacedOrder(plan: plan, answer: answer)
    }

    /// Thinks better of it.
    func cancel(_ order: PlacedOrder) async throws {
        try await campus.order.post(
            "/v1/orders/\(order.id)/cancel",
            ["reason": "changed_mind"],
            key: cast.key(order.plan, "cancel"),
            as: caller
        )
    }

    /// Says that all is well.
    func complete(_ order: PlacedOrder) async throws {
        try await campus.order.post(
            "/v1/orders/\(order.id)/complete",
            key: cast.key(order.plan, "complete"),
            as: caller
        )
    }

    /// Looks at what can be asked for, then asks for the money of the whole order back; tells the case's id and status.
    func askForMoneyBack(_ order: PlacedOrder, reason: String) async throws -> (id: String, status: String) {
        let options = try await campus.afterSales.get(
            "/v1/after-sales-options",
            query: [("order_id", order.id)],
            as: caller
        )
        guard options.object != nil else {
            throw MissingMember(request: "GET /v1/after-sales-options", members: "options")
        }
        let answer = try await campus.afterSales.post(
            "/v1/cases",
            [
                "order_id": .string(order.id), "kind": "refund", "reason": .string(reason),
                "description": .string(order.plan.story.words),
            ],
            key: cast.key(order.plan, "case"),
            as: caller
        )
        guard let id = answer["id"]?.string, let status = answer["status"]?.string else {
            throw MissingMember(request: "POST /v1/cases", members: "id, status")
        }
        return (id, status)
    }
}

extension LinePlan {
    fileprivate var json: JSON {
        [
            "sku": .string(dish.sku), "name": .string(dish.name), "category": .string(dish.category),
            "unit_price_fen": .integer(dish.unitPriceFen), "quantity": .integer(Int64(quantity)),
        ]
    }
}
