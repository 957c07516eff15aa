import Crypto
import FoundationEssentials
import Model

/// Seals signing secrets for storage with AES-256-GCM, and opens them again.
///
/// What is sealed is bound to its campus and endpoint: a row copied to another endpoint does not open there.
struct SecretVault: Sendable {
    private let key: SymmetricKey

    /// The first byte of everything sealed; another format would have another.
    private static let format: UInt8 = 1

    /// A vault for a key of 32 bytes in standard base64; nil for anything else.
    init?(base64Key: String) {
        guard let bytes = Data(base64Encoded: base64Key), bytes.count == 32 else { return nil }
        key = SymmetricKey(data: bytes)
    }

    /// The secret, encrypted for that endpoint.
    func seal(_ secret: WebhookSecret, for endpoint: WebhookEndpointID, in campus: CampusID) throws -> [UInt8] {
        let box = try AES.GCM.seal(secret.bytes, using: key, authenticating: Self.binding(endpoint, campus))
        guard let combined = box.combined else { throw SecretUnreadable(endpoint: endpoint) }
        return [Self.format] + combined
    }

    /// The secret that ``seal(_:for:in:)`` encrypted for that endpoint.
    ///
    /// - Throws: ``SecretUnreadable`` when the key differs, or the bytes were changed or belong to another endpoint.
    func open(
        _ sealed: [UInt8],
        for endpoint: WebhookEndpointID,
        in campus: CampusID
    ) throws(SecretUnreadable) -> WebhookSecret {
        guard sealed.first == Self.format,
            let box = try? AES.GCM.SealedBox(combined: sealed.dropFirst()),
            let bytes = try? AES.GCM.open(box, using: key, authenticating: Self.binding(endpoint, campus))
        else { throw SecretUnreadable(endpoint: endpoint) }
        return WebhookSecret(bytes: [UInt8](bytes))
    }

    private static func binding(_ endpoint: WebhookEndpointID, _ campus: CampusID) -> Data {
        Data("\(campus)/\(endpoint)".utf8)
    }
}

/// A stored secret does not open: it was sealed with another key, changed, or moved.
struct SecretUnreadable: Error, Hashable {
    /// Whose secret.
    let endpoint: WebhookEndpointID
}
