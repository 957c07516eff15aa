import FoundationEssentials

/// The secret that an endpoint's signatures are made with: `whsec_` and standard base64, as Standard Webhooks has it.
///
/// It describes itself without its value, so that no log can hold it.
struct WebhookSecret: Hashable, Sendable {
    /// The key of the HMAC.
    let bytes: [UInt8]

    /// How many random bytes a new secret has; the standard asks for 24 to 64.
    static let newSecretLength = 32

    private static let prefix = "whsec_"

    /// The secret with that key.
    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A new secret of ``newSecretLength`` random bytes.
    static func make(using generator: inout some RandomNumberGenerator) -> WebhookSecret {
        WebhookSecret(bytes: (0..<newSecretLength).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// Reads the text form; nil when the prefix is missing or the rest is no base64.
    ///
    /// Any length is taken: it is the generator that owes enough of it.
    init?(_ text: String) {
        guard text.hasPrefix(Self.prefix),
            let key = Data(base64Encoded: String(text.dropFirst(Self.prefix.count))), !key.isEmpty
        else { return nil }
        self.init(bytes: [UInt8](key))
    }

    /// The text form, shown once to whoever created the endpoint.
    var revealed: String {
        Self.prefix + Data(bytes).base64EncodedString()
    }
}

extension WebhookSecret: CustomStringConvertible, CustomReflectable {
    var description: String { "whsec_…" }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}
