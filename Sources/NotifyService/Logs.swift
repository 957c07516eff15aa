import Logging
import ServiceKit

// What NotifyService logs beyond the edge; docs/logs.md lists each.
extension LoggedEvent {
    static let streamOpened = LoggedEvent("stream.opened", .debug, "Stream opened")
    static let streamClosed = LoggedEvent("stream.closed", .debug, "Stream closed")
    static let streamResynced = LoggedEvent(
        "stream.resync",
        .info,
        "A client's position cannot be resumed; it was told to load anew"
    )
    static let streamReadFailed = LoggedEvent(
        "stream.read_failed",
        .warning,
        "Streams cannot be read for; trying again"
    )
    static let streamLineUnreadable = LoggedEvent(
        "stream.line_unreadable",
        .error,
        "An inbox holds a line that cannot be shown; its streams were closed"
    )
    static let streamWakeFailed = LoggedEvent(
        "stream.wake_failed",
        .warning,
        "Announcements of other instances cannot be read; trying again"
    )
    static let webhookEndpointCreated = LoggedEvent("webhook.endpoint_created", .info, "Webhook endpoint created")
    static let webhookEndpointChanged = LoggedEvent("webhook.endpoint_changed", .info, "Webhook endpoint changed")
    static let webhookEndpointDeleted = LoggedEvent("webhook.endpoint_deleted", .info, "Webhook endpoint deleted")
    static let webhookEndpointGone = LoggedEvent(
        "webhook.endpoint_gone",
        .warning,
        "Webhook endpoint answered 410 and was disabled"
    )
    static let webhookSecretRotated = LoggedEvent("webhook.secret_rotated", .info, "Webhook secret rotated")
    static let webhookSecretUnreadable = LoggedEvent(
        "webhook.secret_unreadable",
        .error,
        "A stored webhook secret does not open with the configured key"
    )
    static let webhookDelivered = LoggedEvent("webhook.delivered", .info, "Webhook delivered")
    static let webhookFailed = LoggedEvent("webhook.failed", .warning, "Webhook attempt failed; it is tried again")
    static let webhookDead = LoggedEvent("webhook.dead", .error, "Webhook delivery given up")
    static let webhookReplayed = LoggedEvent("webhook.replayed", .info, "Webhook deliveries sent again on request")
    static let retentionPruned = LoggedEvent("retention.pruned", .info, "What was kept long enough was removed")
    static let retentionFailed = LoggedEvent(
        "retention.failed",
        .warning,
        "What was kept long enough could not be removed"
    )

    /// Every event of NotifyService, for the documentation.
    static let notify: [LoggedEvent] = [
        .streamOpened, .streamClosed, .streamResynced, .streamReadFailed, .streamLineUnreadable, .streamWakeFailed,
        .webhookEndpointCreated,
        .webhookEndpointChanged, .webhookEndpointDeleted, .webhookEndpointGone, .webhookSecretRotated,
        .webhookSecretUnreadable, .webhookDelivered, .webhookFailed, .webhookDead, .webhookReplayed, .retentionPruned,
        .retentionFailed,
    ]
}
