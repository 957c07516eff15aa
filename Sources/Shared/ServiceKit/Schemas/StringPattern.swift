/// A rule for the characters of a string that can be checked fast and written down as a regular expression.
///
/// Patterns are sets of ASCII characters, or named tests: a regular-expression engine on the way of every request would cost more than
/// the rest of the checking.
public struct StringPattern: Sendable {
    /// The regular expression (ECMA-262) that says the same, for the document.
    public let expression: String
    let meaning: String
    let matches: @Sendable (String) -> Bool

    /// A pattern from a test and the expression that says the same.
    ///
    /// - Parameters:
    ///   - expression: ECMA-262, anchored on both ends.
    ///   - meaning: completes the sentence "must …".
    ///   - matches: the test.
    public init(expression: String, meaning: String, matches: @escaping @Sendable (String) -> Bool) {
        self.expression = expression
        self.meaning = meaning
        self.matches = matches
    }

    /// Only these ASCII characters.
    ///
    /// - `set`: the inside of a bracket expression: single characters and ranges such as `A-Z`; a `-` that stands for itself comes
    ///   last; no escapes.
    public static func ascii(_ set: String) -> StringPattern {
        let members = ASCIISet(set)
        let escaped = set.hasSuffix("-") ? set.dropLast() + "\\-" : Substring(set)
        return StringPattern(expression: "^[\(escaped)]*$", meaning: "consist of the characters \(set)") { string in
            string.utf8.allSatisfy(members.contains)
        }
    }

    /// Visible ASCII characters, no spaces.
    public static let visibleASCII = StringPattern(
        expression: "^[!-~]*$",
        meaning: "consist of visible ASCII characters"
    ) { string in
        string.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    /// No control characters, for what is shown on one line.
    public static let oneLine = StringPattern(
        expression: "^[^\\u0000-\\u001f\\u007f]*$",
        meaning: "not contain control characters"
    ) { string in
        string.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }

    /// Not only blanks, and no control characters.
    public static let name = StringPattern(
        expression: "^[^\\u0000-\\u001f\\u007f]*[^\\u0000-\\u0020\\u007f][^\\u0000-\\u001f\\u007f]*$",
        meaning: "contain something visible and no control characters"
    ) { string in
        string.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } && string.utf8.contains { $0 > 0x20 }
    }

    /// A lower-case identifier: letters, digits and underscores after a letter.
    public static let identifier = StringPattern(
        expression: "^[a-z][a-z0-9_]*$",
        meaning: "be a lower-case identifier"
    ) { string in
        guard let first = string.utf8.first, (0x61...0x7a).contains(first) else { return false }
        return string.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f }
    }

    /// An absolute `http` or `https` URL in visible ASCII.
    public static let webURL = StringPattern(
        expression: "^https?://[!-~]+$",
        meaning: "be an http or https URL"
    ) { string in
        let rest = string.hasPrefix("https://") ? string.utf8.dropFirst(8) : string.utf8.dropFirst(7)
        guard string.hasPrefix("https://") || string.hasPrefix("http://"), !rest.isEmpty else { return false }
        return rest.allSatisfy { (0x21...0x7e).contains($0) }
    }
}

/// A set of ASCII characters as 128 bits.
private struct ASCIISet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init(_ text: String) {
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            if index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "-"), bytes[index] <= bytes[index + 2] {
                for byte in bytes[index]...bytes[index + 2] { insert(byte) }
                index += 3
            } else {
                insert(bytes[index])
                index += 1
            }
        }
    }

    func contains(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<64: low & (1 << UInt64(byte)) != 0
        case 64..<128: high & (1 << UInt64(byte - 64)) != 0
        default: false
        }
    }

    private mutating func insert(_ byte: UInt8) {
        switch byte {
        case 0..<64: low |= 1 << UInt64(byte)
        case 64..<128: high |= 1 << UInt64(byte - 64)
        default: break
        }
    }
}
