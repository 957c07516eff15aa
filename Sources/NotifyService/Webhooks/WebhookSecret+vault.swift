import Model

extension Vault {
    /// The secret, sealed for that endpoint.
    func seal(_ secret: WebhookSecret, for endpoint: WebhookEndpointID, in campus: CampusID) throws -> [UInt8] {
        try seal(secret.bytes, for: Self.place(of: endpoint, campus))
    }

    /// The secret that ``seal(_:for:in:)`` sealed for that endpoint.
    ///
    /// - Throws: ``SecretUnreadable`` when the key differs, or the bytes were changed or belong to another endpoint.
    func open(
        _ sealed: [UInt8],
        for endpoint: WebhookEndpointID,
        in campus: CampusID
    ) throws(SecretUnreadable) -> WebhookSecret {
        do {
            return WebhookSecret(bytes: try open(sealed, for: Self.place(of: endpoint, campus)))
        } catch {
            throw SecretUnreadable(endpoint: endpoint)
        }
    }

    private static func place(of endpoint: WebhookEndpointID, _ campus: CampusID) -> Place {
        [campus.description, "webhook_secret", endpoint.description]
    }
}

/// A stored secret does not open: it was sealed with another key, changed, or moved.
struct SecretUnreadable: Error, Hashable {
    /// Whose secret.
    let endpoint: WebhookEndpointID
}
