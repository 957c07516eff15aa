import Crypto
import FoundationEssentials

/// Seals what the database must not know with AES-256-GCM, and opens it again.
///
/// What is sealed is one byte of format, the length of the key's name, that name, and nonce, ciphertext and tag. It is bound to
/// the place it belongs to: moved to another row or column it does not open.
struct Vault: Sendable {
    /// Why sealed bytes do not open.
    enum Fault: Error, Hashable {
        /// The key of that name is not among those that the vault knows.
        case unknownKey(String)
        /// They were sealed with another key, for another place, or changed.
        case unreadable
    }

    /// Where sealed bytes belong: the parts of its name, none of which holds a NUL.
    typealias Place = [String]

    private static let format: UInt8 = 2

    private let ring: KeyRing

    /// A vault with these keys.
    init(_ ring: KeyRing) {
        self.ring = ring
    }

    /// The name of the key that seals.
    var sealingKey: String { ring.keys[0].id }
    /// The names of all keys that open.
    var knownKeys: [String] { ring.keys.map(\.id) }

    /// Seals bytes for a place.
    func seal(_ bytes: [UInt8], for place: Place) throws -> [UInt8] {
        let key = ring.keys[0]
        let box = try AES.GCM.seal(bytes, using: key.value, authenticating: Self.binding(place))
        guard let combined = box.combined else { throw Fault.unreadable }
        return [Self.format, UInt8(key.id.utf8.count)] + key.id.utf8 + combined
    }

    /// Opens what ``seal(_:for:)`` sealed for that place, with whichever key it was.
    func open(_ sealed: [UInt8], for place: Place) throws(Fault) -> [UInt8] {
        guard let id = Self.keyID(of: sealed) else { throw .unreadable }
        guard let key = ring[id] else { throw .unknownKey(id) }
        guard let box = try? AES.GCM.SealedBox(combined: sealed.dropFirst(2 + id.utf8.count)),
            let bytes = try? AES.GCM.open(box, using: key, authenticating: Self.binding(place))
        else { throw .unreadable }
        return [UInt8](bytes)
    }

    /// The name of the key with which something was sealed; nil when it was not sealed here.
    static func keyID(of sealed: [UInt8]) -> String? {
        guard sealed.count > 2, sealed[0] == format, sealed.count > 2 + Int(sealed[1]) else { return nil }
        return String(bytes: sealed[2..<2 + Int(sealed[1])], encoding: .utf8)
    }

    private static func binding(_ place: Place) -> Data {
        Data(place.joined(separator: "\0").utf8)
    }
}
