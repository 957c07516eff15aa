/// The second line of defence against personal data and secrets in logs.
///
/// The first is ``LogKey``.
///
/// It masks what has an unmistakable form: Chinese mobile numbers, platform keys, webhook secrets, JWTs, bearer credentials and passwords
/// in connection strings.
public enum Redaction {
    static let mask = "[masked]"

    /// The text with everything that looks like personal data or a secret masked.
    public static func masked(_ text: String) -> String {
        var text = text
        return text.withUTF8 { bytes -> String? in
            guard let first = nextMatch(in: bytes, from: 0) else { return nil }
            var result: [UInt8] = []
            var position = 0
            var match: Range<Int>? = first
            while let range = match {
                result += bytes[position..<range.lowerBound]
                result += Array(mask.utf8)
                position = range.upperBound
                match = nextMatch(in: bytes, from: position)
            }
            result += bytes[position...]
            return String(decoding: result, as: UTF8.self)
        } ?? text
    }

    private static let secretMarkers = ["ck_", "whsec_", "eyJ"].map { Array($0.utf8) }
    private static let wordMarkers = ["bearer ", "password=", "password:"].map { Array($0.utf8) }

    private static func nextMatch(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Range<Int>? {
        var index = start
        while index < bytes.count {
            if let end = mobileNumber(in: bytes, at: index) ?? secret(in: bytes, at: index)
                ?? word(in: bytes, at: index)
            {
                return end
            }
            index += 1
        }
        return nil
    }

    /// `1[3-9]` and nine more digits, also after `86` or `+86`, not within a longer word of letters and digits.
    private static func mobileNumber(in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Range<Int>? {
        guard isDigit(bytes[index]), index == 0 || !isWordCharacter(bytes[index - 1]) else { return nil }
        var end = index
        while end < bytes.count, isDigit(bytes[end]) { end += 1 }
        guard end == bytes.count || !isWordCharacter(bytes[end]) else { return nil }
        let digits = bytes[index..<end]
        let number = digits.count == 13 && digits.starts(with: [0x38, 0x36]) ? digits.dropFirst(2) : digits
        guard number.count == 11, number[number.startIndex] == UInt8(ascii: "1"),
            (UInt8(ascii: "3")...UInt8(ascii: "9")).contains(number[number.startIndex + 1])
        else { return nil }
        return index..<end
    }

    /// A marker of secrets and at least 16 characters of a credential.
    private static func secret(in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Range<Int>? {
        guard index == 0 || !isWordCharacter(bytes[index - 1]),
            let marker = secretMarkers.first(where: { bytes[index...].starts(with: $0) })
        else { return nil }
        let end = credentialEnd(in: bytes, from: index + marker.count)
        return end - index - marker.count >= 16 ? index..<end : nil
    }

    /// What follows `Bearer` or `password=`, up to a space, quote or separator.
    private static func word(in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Range<Int>? {
        let first = bytes[index] | 0x20
        guard first == UInt8(ascii: "b") || first == UInt8(ascii: "p"),
            let marker = wordMarkers.first(where: { marker in
                bytes[index...].count > marker.count
                    && zip(bytes[index...], marker).allSatisfy { $0 | 0x20 == $1 | 0x20 }
            })
        else { return nil }
        let start = index + marker.count
        let end = credentialEnd(in: bytes, from: start)
        return end > start ? start..<end : nil
    }

    private static func credentialEnd(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var end = start
        while end < bytes.count, isWordCharacter(bytes[end]) || "-_.~+/=".utf8.contains(bytes[end]) { end += 1 }
        return end
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isWordCharacter(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }
}
