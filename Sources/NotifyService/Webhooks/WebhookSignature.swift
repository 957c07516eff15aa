import Crypto
import FoundationEssentials
import Model

/// The headers that make a request a Standard Webhook (symmetric scheme `v1`).
///
/// The signed content is `{id}.{timestamp}.{body}` with the exact bytes of the body, so whoever sends must send those very bytes.
/// Source: the specification of standardwebhooks.com, sections "Webhook Metadata" and "Verifying signatures".
struct WebhookSignature: Hashable, Sendable {
    /// `webhook-id`: the same for every attempt to deliver one event.
    let id: String
    /// `webhook-timestamp`: whole seconds since 1970 at this attempt.
    let timestamp: String
    /// `webhook-signature`: one `v1,…` for each secret, newest first, separated by one space.
    let signatures: String

    /// Signs a body.
    ///
    /// - `id`: free of dots, because dots part what is signed.
    /// - `time`: when this attempt is made.
    /// - `body`: the bytes that will be sent.
    /// - `secrets`: during a rotation the new and the old one; receivers accept a match with any.
    init(id: String, at time: Timestamp, body: [UInt8], secrets: [WebhookSecret]) {
        self.id = id
        timestamp = String(time.seconds)
        let content = Data("\(id).\(timestamp).".utf8) + body
        signatures = secrets.map { secret in
            let code = HMAC<SHA256>.authenticationCode(for: content, using: SymmetricKey(data: secret.bytes))
            return "v1," + Data(code).base64EncodedString()
        }.joined(separator: " ")
    }
}
