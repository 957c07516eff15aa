import Model
import ServiceKit

/// What requests about orders must look like, and what answers do.
enum OrderSchemas {
    // MARK: Requests

    static let place = JSONSchema.object(
        name: "PlaceOrder",
        [.optional("external_id", externalID, "Your own number of the order; unique in a campus for ever.")] + terms
    )

    /// What is agreed when an order is placed, beside the platform's number of it.
    static let terms: [JSONSchema.Member] = [
        .optional("short_no", shortNumber, "The short number called out at the counter."),
        .optional(
            "source",
            .enumeration(of: OrderSource.self),
            "The platform it was placed on; `own` when not given."
        ),
        .required("customer", .object([.required("id", .actorID)])),
        .required("merchant", .object([.required("id", .actorID), .required("name", name)])),
        .required(
            "lines",
            .array(
                of: .object(
                    name: "OrderedItem",
                    [
                        .required("sku", .string(length: 1...64, pattern: .oneLine)),
                        .required("name", name),
                        .required("category", .string(length: 1...64, pattern: .oneLine)),
                        .required("unit_price_fen", .fen(0...10_000_000)),
                        .required("quantity", .integer(1...999)),
                    ]
                ),
                count: 1...100
            )
        ),
        .optional(
            "fees",
            .object([
                .optional("delivery_fen", .fen(0...1_000_000)), .optional("packaging_fen", .fen(0...1_000_000)),
            ])
        ),
        .optional("discounts", .array(of: discount, count: 0...20)),
        .required("dropoff", dropoff),
        .required("promised_at", .timestamp, "When it is promised to arrive; may lie in the past."),
        .optional(
            "client",
            .object([
                .optional("ip", .string(length: 1...64, pattern: .visibleASCII)),
                .optional("device_id", .string(length: 1...128, pattern: .oneLine)),
            ]),
            "From where it was ordered; for risk rules, never shown."
        ),
    ]

    static let accept = JSONSchema.object(name: "AcceptOrder", [at])
    static let reject = JSONSchema.object(name: "RejectOrder", [.required("reason", reason), at])
    static let ready = JSONSchema.object(name: "OrderReady", [at])
    static let pickUp = JSONSchema.object(
        name: "PickUpOrder",
        [
            .optional(
                "rider",
                .object([.required("id", .actorID), .optional("name", name)]),
                "Who has it now; a rider's own token may leave it out."
            ),
            at,
        ]
    )
    static let deliver = JSONSchema.object(name: "DeliverOrder", [.required("handover", handover), at])
    static let complete = JSONSchema.object(name: "CompleteOrder", [at])
    static let cancel = JSONSchema.object(name: "CancelOrder", [.required("reason", reason), at])
    static let reportException = JSONSchema.object(
        name: "ReportException",
        [
            .required("kind", .enumeration(of: OrderExceptionKind.self)),
            .optional("note", .string(length: 1...1_000)),
            at,
        ]
    )
    static let stateLineFacts = JSONSchema.object(
        name: "StateLineFacts",
        [.optional("used", .boolean), .optional("opened", .boolean), .optional("activated", .boolean)]
    )

    // MARK: Answers

    static let order = JSONSchema.object(
        name: "Order",
        [
            .required("id", .id),
            .required("external_id", .nullable(externalID)),
            .required("short_no", .nullable(shortNumber)),
            .required("source", .enumeration(of: OrderSource.self)),
            .required("status", .enumeration(of: OrderStatus.self)),
            .required("version", .integer(1...Int64.max)),
            .required("customer", .object([.required("id", .actorID)])),
            .required("merchant", .object([.required("id", .actorID), .required("name", name)])),
            .required("rider", .nullable(.object([.required("id", .actorID), .required("name", .nullable(name))]))),
            .required("totals", totals),
            .required("lines", .array(of: line, count: 1...100)),
            .required(
                "fees",
                .object([
                    .required("delivery_fen", .fen()),
                    .required("packaging_fen", .fen()),
                    .required("delivery_payable_fen", .fen()),
                    .required("packaging_payable_fen", .fen()),
                ])
            ),
            .required("discounts", .array(of: allocatedDiscount, count: 0...20)),
            .required("dropoff", dropoff),
            .required("promised_at", .timestamp),
            .required("times", times),
            .required("handover", .nullable(handover)),
            .required(
                "cancellation",
                .nullable(.object([.required("by", .actor), .required("reason", .string(length: 1...500))]))
            ),
            .required("payments", .array(of: paymentShare, count: 0...1_000)),
            .required(
                "allowed_actions",
                .array(of: .enumeration(of: OrderAction.self), count: 0...10),
                "What the caller may do with it as it stands."
            ),
        ]
    )

    static let page = JSONSchema.page(name: "OrderPage", of: order)

    static let exception = JSONSchema.object(
        name: "OrderException",
        [
            .required("id", .id),
            .required("order_id", .id),
            .required("kind", .enumeration(of: OrderExceptionKind.self)),
            .required("note", .nullable(.string(length: 1...1_000))),
            .required("reported_by", .actor),
            .required("at", .timestamp),
        ]
    )

    static let timeline = JSONSchema.object(
        name: "OrderTimeline",
        [
            .required(
                "items",
                .array(
                    of: .object(
                        name: "OrderTimelineEntry",
                        [
                            .required("version", .integer(1...Int64.max)),
                            .required(
                                "type",
                                .string(length: 1...64),
                                "An event's type, or a change that sends no event."
                            ),
                            .required("actor", .actor),
                            .required("at", .timestamp, "When it happened: as reported, else our clock."),
                            .required("recorded_at", .timestamp, "When we wrote it down."),
                            .required("detail", .nullable(.any)),
                        ]
                    ),
                    count: 0...10_000
                )
            )
        ]
    )

    // MARK: Parts

    static let externalID = JSONSchema.string(length: 1...64, pattern: .oneLine)
    static let name = JSONSchema.string(length: 1...128, pattern: .name)
    static let reason = JSONSchema.string(length: 1...500)
    static let at = JSONSchema.Member.optional(
        "at",
        .timestamp,
        """
        When it happened, if not now: not before earlier reported times, at most 60 s ahead. Only the platform's key may report it more \
        than 60 s late.
        """
    )
    private static let shortNumber = JSONSchema.string(length: 1...32, pattern: .oneLine)

    private static let dropoff = JSONSchema.object(
        name: "Dropoff",
        [
            .required("address", .string(length: 1...300, pattern: .oneLine)),
            .optional("lat", .number(-90...90)),
            .optional("lng", .number(-180...180)),
        ]
    )

    private static let discountMembers: [JSONSchema.Member] = [
        .required("funded_by", .enumeration(of: Funder.self)),
        .required("amount_fen", .fen(1...100_000_000)),
        .optional(
            "applies_to",
            .enumeration(["order", "line", "delivery", "packaging"]),
            "What it takes its money off; `order` when not given."
        ),
        .optional("line_no", .integer(1...100), "Which line, from 1; only with `line`."),
        .optional("coupon_id", .string(length: 1...64, pattern: .oneLine)),
    ]

    private static let discount = JSONSchema.object(name: "Discount", discountMembers)

    private static let allocatedDiscount = JSONSchema.object(
        name: "AllocatedDiscount",
        discountMembers + [
            .required(
                "allocations",
                .array(
                    of: .object([
                        .optional("line_no", .integer(1...100)),
                        .optional("fee", .enumeration(["delivery", "packaging"])),
                        .required("amount_fen", .fen()),
                    ]),
                    count: 0...102
                ),
                "How it spreads over lines and fees, to the fen."
            )
        ]
    )

    static let handover = JSONSchema.object(
        name: "Handover",
        [
            .required("kind", .enumeration(of: HandoverKind.self)),
            .optional(
                "proof",
                .object([
                    .optional("photo", .string(length: 1...500, pattern: .oneLine), "Where the photo is."),
                    .optional("code", .string(length: 1...64, pattern: .oneLine), "The code the customer gave."),
                    .optional("locker_log", .string(length: 1...2_000), "The locker's own record."),
                ])
            ),
        ]
    )

    private static let totals = JSONSchema.object(
        name: "OrderTotals",
        [
            .required("lines_fen", .fen(0...Int64.max)),
            .required("fees_fen", .fen()),
            .required("discount_fen", .fen(0...Int64.max)),
            .required("payable_fen", .fen(0...Int64.max)),
            .required("paid_fen", .fen(0...Int64.max), "What was paid and counts towards it."),
        ]
    )

    private static let line = JSONSchema.object(
        name: "OrderLine",
        [
            .required("line_no", .integer(1...100)),
            .required("sku", .string(length: 1...64)),
            .required("name", name),
            .required("category", .string(length: 1...64)),
            .required("unit_price_fen", .fen()),
            .required("quantity", .integer(1...999)),
            .required("gross_fen", .fen(0...Int64.max)),
            .required("discount_fen", .fen(0...Int64.max)),
            .required("payable_fen", .fen(0...Int64.max)),
            .optional(
                "facts",
                .object([
                    .required("used", .nullable(.boolean)),
                    .required("opened", .nullable(.boolean)),
                    .required("activated", .nullable(.boolean)),
                ]),
                "What is known of it since; there once somebody said something."
            ),
        ]
    )

    private static let times = JSONSchema.object(
        name: "OrderTimes",
        [.required("placed_at", .timestamp)]
            + ["paid_at", "accepted_at", "ready_at", "picked_up_at", "delivered_at", "completed_at", "cancelled_at"].map
        {
            .required($0, .nullable(.timestamp))
        } + [.required("updated_at", .timestamp)]
    )

    static let paymentShare = JSONSchema.object(
        name: "PaymentShare",
        [
            .required("payment_id", .id),
            .required("channel", .enumeration(of: PaymentChannel.self)),
            .required("transaction_id", .string(length: 1...128)),
            .required("paid_at", .timestamp),
            .required(
                "purpose",
                .enumeration(of: PaymentPurpose.self),
                "`settles` and `partial` count towards the order; the others are due back."
            ),
            .required("amount_fen", .fen(0...Int64.max)),
        ]
    )
}
