import Crypto
import Foundation

/// A receiver's side of Standard Webhooks: whether a delivery comes from who shares the secret.
///
/// Source: Standard Webhooks specification, "Signature scheme": HMAC-SHA256 over `{id}.{timestamp}.{raw body}`, the
/// header a list of `v1,<base64>` separated by single spaces, timestamps within five minutes.
struct WebhookSignature: Sendable {
    /// Why a delivery is not believed.
    enum Fault: String, Error {
        case malformedSecret
        case missingHeader
        case malformedTimestamp
        case tooOld
        case noMatch
    }

    private let key: SymmetricKey

    /// Takes a secret as endpoints are given it: `whsec_` and base64.
    init(secret: String) throws(Fault) {
        let prefix = "whsec_"
        guard secret.hasPrefix(prefix), let bytes = Data(base64Encoded: String(secret.dropFirst(prefix.count))) else {
            throw .malformedSecret
        }
        key = SymmetricKey(data: bytes)
    }

    /// Throws unless one of the signatures in the header is ours over exactly these bytes.
    ///
    /// `id`, `timestamp` and `signatures` are the headers `webhook-id`, `webhook-timestamp` (whole seconds since 1970) and
    /// `webhook-signature`; `body` is the raw bytes received, `now` the receiver's clock in seconds since 1970.
    func verify(
        id: String?,
        timestamp: String?,
        signatures: String?,
        body: some DataProtocol,
        now: Int64
    ) throws(Fault) {
        guard let id, let timestamp, let signatures else { throw .missingHeader }
        guard let seconds = Int64(timestamp) else { throw .malformedTimestamp }
        guard abs(now - seconds) <= 300 else { throw .tooOld }
        var signed = Data("\(id).\(timestamp).".utf8)
        signed.append(contentsOf: body)
        for token in signatures.split(separator: " ") where token.hasPrefix("v1,") {
            guard let code = Data(base64Encoded: String(token.dropFirst(3))) else { continue }
            if HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: signed, using: key) { return }
        }
        throw .noMatch
    }
}
