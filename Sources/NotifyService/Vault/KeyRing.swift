import Crypto
import FoundationEssentials

/// The keys that a vault knows, each by its name: the first one seals, all of them open.
///
/// It describes itself without its values, so that no log can hold them.
struct KeyRing: Sendable {
    /// A key with its name.
    struct Key: Sendable {
        /// What sealed bytes call it: 1 to 32 letters, digits, `_` and `-`.
        let id: String
        let value: SymmetricKey
    }

    /// At least one, no two of one name.
    let keys: [Key]

    private static let length = 32

    /// Reads `id:base64` entries, separated by commas; nil for anything else.
    init?(_ text: String) {
        var keys: [Key] = []
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = entry.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let key = Self.key(id: String(parts[0]), base64: String(parts[1])),
                !keys.contains(where: { $0.id == key.id })
            else { return nil }
            keys.append(key)
        }
        self.keys = keys
    }

    /// A ring of one key, given in standard base64; nil for anything else than 32 bytes.
    init?(base64Key: String) {
        guard let key = Self.key(id: "1", base64: base64Key) else { return nil }
        keys = [key]
    }

    /// The key of that name.
    subscript(id: String) -> SymmetricKey? { keys.first { $0.id == id }?.value }

    private static func key(id: String, base64: String) -> Key? {
        guard (1...32).contains(id.utf8.count), id.utf8.allSatisfy(isNameByte),
            let bytes = Data(base64Encoded: base64), bytes.count == length
        else { return nil }
        return Key(id: id, value: SymmetricKey(data: bytes))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension KeyRing: CustomStringConvertible, CustomReflectable {
    var description: String { "keys \(keys.map(\.id).joined(separator: ", "))" }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}
