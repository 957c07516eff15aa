import Model
import ServiceKit

// What NotifyService can be told beyond what all services can.
extension Setting where Value == String {
    /// Seals webhook secrets in the database.
    static let encryptionKey = Setting.text(
        "NOTIFY_ENCRYPTION_KEY",
        secret: true,
        example: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "Seals webhook secrets in the database: 32 random bytes in base64, for example from `openssl rand -base64 32`."
    )
}

extension Setting where Value == KeyRing {
    /// Seals contacts.
    static let contactKeys = Setting(
        name: "CONTACT_KEYS",
        meaning: """
            Seals phone numbers and openids in the database: keys of 32 random bytes in base64, each behind its name, for example \
            `k1:` and the output of `openssl rand -base64 32`. The first seals, all of them open.
            """,
        allowed: "id:base64, separated by commas",
        standard: nil,
        isSecret: true,
        example: "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        read: { KeyRing($0) }
    )
}

extension Setting where Value == Bool {
    /// Whether webhooks may go to this machine.
    static let allowLoopbackWebhooks = Setting.flag(
        "ALLOW_LOOPBACK_WEBHOOKS",
        default: false,
        "Whether webhook endpoints may lie on this machine, without TLS: for development only."
    )
}

extension Setting where Value == Int {
    /// How many webhooks are sent at once.
    static let webhookConcurrency = Setting.integer(
        "WEBHOOK_CONCURRENCY",
        default: 128,
        1...4_096,
        """
        How many webhooks are sent at once; at most half of them for one campus, and a sixteenth, but at least one, to one \
        endpoint.
        """
    )
    /// How many streams can be open.
    static let streamLimit = Setting.integer(
        "STREAM_LIMIT",
        default: 20_000,
        1...1_000_000,
        "How many live streams and waiting requests can be open before more are answered 503; one campus may have three quarters of them."
    )
}

extension Setting where Value == Duration {
    /// How long inbox lines are kept.
    static let inboxRetention = Setting.days(
        "INBOX_RETENTION_DAYS",
        default: 90,
        1...3_650,
        "How many days inbox lines are kept."
    )
    /// How long webhook deliveries are kept.
    static let deliveryRetention = Setting.days(
        "WEBHOOK_RETENTION_DAYS",
        default: 30,
        1...3_650,
        "How many days webhook deliveries and their attempts are kept after they were made."
    )
}

/// The key in `NOTIFY_ENCRYPTION_KEY` is none.
struct EncryptionKeyInvalid: SafelyDescribedError {
    /// What to do.
    var description: String {
        "NOTIFY_ENCRYPTION_KEY must be 32 bytes in base64, for example from `openssl rand -base64 32`"
    }
}
