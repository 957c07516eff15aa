/// The W3C trace context of a request (Trace Context Level 1, `traceparent`).
public struct Traceparent: Hashable, Sendable, CustomStringConvertible {
    /// 32 lower-case hexadecimal digits, not all zero.
    public let traceID: String
    /// 16 lower-case hexadecimal digits, not all zero.
    public let parentID: String
    /// Two lower-case hexadecimal digits.
    public let flags: String

    /// The header's value.
    public var description: String { "00-\(traceID)-\(parentID)-\(flags)" }

    /// Reads the header's value; nil when it is not a valid version 00 one, or a later one that begins like it.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 55 || bytes.count > 55 && bytes[55] == UInt8(ascii: "-") else { return nil }
        let dashes = [2, 35, 52].allSatisfy { bytes[$0] == UInt8(ascii: "-") }
        guard dashes, Self.isHex(bytes[0..<2]), bytes[0..<2] != [0x66, 0x66] else { return nil }
        guard bytes.count == 55 || bytes[0..<2] != [0x30, 0x30] else { return nil }
        let trace = bytes[3..<35]
        let parent = bytes[36..<52]
        guard Self.isHex(trace), Self.isHex(parent), Self.isHex(bytes[53..<55]) else { return nil }
        guard trace.contains(where: { $0 != 0x30 }), parent.contains(where: { $0 != 0x30 }) else { return nil }
        traceID = String(decoding: trace, as: UTF8.self)
        parentID = String(decoding: parent, as: UTF8.self)
        flags = String(decoding: bytes[53..<55], as: UTF8.self)
    }

    /// A new trace of random ids, sampled.
    public init(using generator: inout some RandomNumberGenerator) {
        traceID = hexadecimal(generator.next() | 1) + hexadecimal(generator.next())
        parentID = hexadecimal(generator.next() | 1)
        flags = "01"
    }

    private static func isHex(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

/// 16 lower-case hexadecimal digits.
func hexadecimal(_ word: UInt64) -> String {
    String(unsafeUninitializedCapacity: 16) { buffer in
        for index in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * index)) & 15
            buffer[index] = digit < 10 ? 0x30 + digit : 0x61 + digit - 10
        }
        return 16
    }
}
