import Model
import ServiceKit

extension JSONSchema {
    /// What an owner says of an endpoint.
    static func endpointSettings(name: String) -> JSONSchema {
        .object(
            name: name,
            [
                .required("url", .url(), "An https address with a public name."),
                .required(
                    "event_types",
                    .array(of: .enumeration(WebhookEndpoint.subscribableTypes), count: 1...100),
                    "What to send."
                ),
                .optional("description", .string(length: 0...200, pattern: .oneLine), "The owner's words for it."),
                .optional("status", .enumeration(of: WebhookEndpoint.Status.self), "Whether to send at all."),
            ]
        )
    }

    /// An endpoint.
    static let endpoint = JSONSchema.endpoint(name: "WebhookEndpoint", revealed: false)

    /// An endpoint, with its secret when that is revealed.
    static func endpoint(name: String, revealed: Bool) -> JSONSchema {
        let members: [Member] = [
            .required("id", .id),
            .required("url", .url()),
            .required("event_types", .array(of: .string(length: 1...64), count: 1...100)),
            .required("description", .string(length: 0...200)),
            .required("status", .enumeration(of: WebhookEndpoint.Status.self)),
            .required(
                "disabled_reason",
                .nullable(.enumeration(of: WebhookEndpoint.DisabledReason.self)),
                "`gone`: it answered 410."
            ),
            .required("version", .integer(1...Int64.max)),
            .required("created_at", .timestamp),
            .required("updated_at", .timestamp),
        ]
        // Missing only where the first answer is repeated after the endpoint was deleted.
        let secret: [Member] = revealed ? [.optional("secret", .webhookSecret, "Keep it; it is not shown again.")] : []
        return .object(name: name, members + secret)
    }

    /// The answer of a rotation.
    static let rotatedSecret = JSONSchema.object(
        name: "RotatedWebhookSecret",
        [
            .required("id", .id),
            .required("previous_expires_at", .timestamp, "Until when the one before signs too."),
            .optional("secret", .webhookSecret, "Keep it; it is not shown again."),
        ]
    )

    /// The answer of a test.
    static let testEvent = JSONSchema.object(name: "WebhookTest", [.required("event_id", .eventName)])

    /// What to send again.
    static let replay = JSONSchema.object(
        name: "WebhookReplay",
        [
            .optional("event_id", .eventName, "One event."),
            .optional("since", .timestamp, "Everything that happened at or after this time."),
            .optional("only_dead", .boolean, "With `since`: only what was given up."),
        ]
    )

    /// What is sent again.
    static let replayed = JSONSchema.object(
        name: "WebhookReplayed",
        [
            .required("replayed", .integer(0...Int64(WebhookDeliveryStore.replayLimit))),
            .required("more", .boolean),
            .required("last_event_id", .nullable(.eventName), "The last event that is sent."),
        ]
    )

    /// A delivery with its attempts.
    static let delivery = JSONSchema.object(
        name: "WebhookDelivery",
        [
            .required("event_id", .eventName, "The event; its `webhook-id`."),
            .required("type", .string(length: 1...64)),
            .required("occurred_at", .timestamp),
            .required("status", .enumeration(of: WebhookDelivery.Status.self)),
            .required("next_attempt_at", .nullable(.timestamp)),
            .required("settled_at", .nullable(.timestamp)),
            .required("attempts", .array(of: attempt, count: 0...WebhookDeliveryStore.listedAttempts)),
        ]
    )

    private static let attempt = JSONSchema.object(
        name: "WebhookAttempt",
        [
            .required("number", .integer(1...Int64(Int32.max))),
            .required("reason", .enumeration(of: WebhookAttempt.Reason.self)),
            .required("attempted_at", .timestamp),
            .required("latency_ms", .integer(0...Int64(Int32.max))),
            .required("outcome", .enumeration(of: WebhookAttempt.Outcome.self)),
            .required("http_status", .nullable(.integer(100...999))),
            .required("error", .nullable(.string(length: 0...200))),
            .required("response_excerpt", .nullable(.string(length: 0...1_024)), "The start of the answer."),
        ]
    )

    private static let webhookSecret = JSONSchema.string(length: 10...200, pattern: .ascii("A-Za-z0-9_+/="))
    private static let eventName = JSONSchema.string(length: 5...24, pattern: .ascii("a-z0-9_"))
}
