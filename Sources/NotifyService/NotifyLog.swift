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
    static let feedResynced = LoggedEvent(
        "feed.resync",
        .info,
        "A feed's cursor cannot be read on from; its reader was told where it can"
    )
    static let feedWakeFailed = LoggedEvent(
        "feed.wake_failed",
        .warning,
        "Feeds that have news cannot be looked for; trying again"
    )
    static let feedEventUnreadable = LoggedEvent(
        "feed.event_unreadable",
        .error,
        "An event cannot be read; the feed passed over it"
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
    static let contactStored = LoggedEvent("contact.stored", .info, "Contacts stored")
    static let contactDeleted = LoggedEvent("contact.deleted", .info, "Contact deleted")
    static let contactResealed = LoggedEvent("contact.resealed", .info, "Contacts sealed anew with the first key")
    static let contactResealFailed = LoggedEvent(
        "contact.reseal_failed",
        .warning,
        "Contacts could not be sealed anew; trying again"
    )
    static let contactKeyMissing = LoggedEvent(
        "contact.key_missing",
        .error,
        "Contacts are sealed with a key that the service was not given"
    )
    static let contactUnreadable = LoggedEvent(
        "contact.unreadable",
        .error,
        "Stored contacts do not open with the configured keys"
    )

    /// Every event of NotifyService, for the documentation.
    static let notify: [LoggedEvent] = [
        .streamOpened, .streamClosed, .streamResynced, .streamReadFailed, .streamLineUnreadable, .streamWakeFailed,
        .feedResynced, .feedWakeFailed, .feedEventUnreadable,
        .webhookEndpointCreated,
        .webhookEndpointChanged, .webhookEndpointDeleted, .webhookEndpointGone, .webhookSecretRotated,
        .webhookSecretUnreadable, .webhookDelivered, .webhookFailed, .webhookDead, .webhookReplayed, .contactStored,
        .contactDeleted, .contactResealed, .contactResealFailed, .contactKeyMissing,
        .contactUnreadable,
    ]
}
