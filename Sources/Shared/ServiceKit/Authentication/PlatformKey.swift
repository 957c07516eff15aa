import Model

/// A credential of the platform itself, tied to one campus.
public struct PlatformKey: Sendable {
    /// Its id, which logs and audits name.
    public let id: KeyID
    /// The campus it is tied to.
    public let campus: CampusID
    /// What a person called it.
    public let name: String
    /// What it may do.
    public let scopes: Set<Scope>
    /// When it ends by itself.
    public let expiresAt: Timestamp?
    /// When it was ended.
    public let revokedAt: Timestamp?

    /// Whether it holds at that time of the real clock.
    func isValid(at time: Timestamp) -> Bool {
        revokedAt == nil && expiresAt.map { time < $0 } ?? true
    }
}

/// The secret of a platform key, which exists in the clear only when it is issued.
///
/// `ck_` and 32 random bytes in base 62. It is stored as its SHA-256: the secret has 256 random bits, so a slow hash adds nothing.
public struct PlatformKeySecret: Sendable {
    /// What every secret begins with, so that leaks can be searched for.
    public static let marker = "ck_"

    /// The secret itself.
    public let text: String

    /// A new secret.
    public init(using generator: inout some RandomNumberGenerator) {
        var words = (0..<4).map { _ in generator.next() as UInt64 }
        // 43 digits of base 62 hold 256 bits: long division of the four words by 62.
        var digits: [UInt8] = []
        for _ in 0..<43 {
            var remainder: UInt64 = 0
            for index in words.indices {
                (words[index], remainder) = UInt64(62).dividingFullWidth((high: remainder, low: words[index]))
            }
            digits.append(Self.alphabet[Int(remainder)])
        }
        text = Self.marker + String(decoding: digits, as: UTF8.self)
    }

    /// A new secret from the system's randomness.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    /// What is stored.
    public var sha256: SHA256Digest { SHA256Digest(of: text.utf8) }

    /// The part that may be shown, by which a person recognises the key.
    public var prefix: String { String(text.prefix(Self.marker.count + 6)) }

    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
}
