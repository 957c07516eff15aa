/// A UUID that knows what it identifies, so that an order's id cannot be passed for a case's.
///
/// `Subject` is only a name for the compiler; the wire and the database see a plain UUID.
public struct ID<Subject>: Hashable, Sendable {
    /// The first eight bytes, most significant first.
    public let high: UInt64
    /// The last eight bytes, most significant first.
    public let low: UInt64

    /// The id of these two halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, twelve bits of their fraction (method 3 of §6.2, which keeps
    /// ids of one process nearly in order and its index pages warm), 62 random bits.
    public static func make(at time: Timestamp, using generator: inout some RandomNumberGenerator) -> ID {
        let milliseconds = UInt64(max(0, time.microseconds) / 1_000)
        let fraction = UInt64(max(0, time.microseconds) % 1_000) * 4_096 / 1_000
        return ID(
            high: milliseconds << 16 | 0x7000 | fraction,
            low: generator.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        )
    }

    /// A new UUIDv7 with random bits of the system's generator.
    public static func make(at time: Timestamp) -> ID {
        var generator = SystemRandomNumberGenerator()
        return make(at: time, using: &generator)
    }

    /// The same UUID as the id of something else, where one thing stands for another.
    public func retyped<Other>(as other: Other.Type = Other.self) -> ID<Other> {
        ID<Other>(high: high, low: low)
    }
}

extension ID: Comparable {
    /// The order of the bytes, which for UUIDv7 is the order of time.
    public static func < (left: ID, right: ID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension ID: LosslessStringConvertible {
    /// The canonical 36 characters, in lower case.
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var index = 0
            for (half, word) in [high, low].enumerated() {
                for byte in 0..<8 {
                    if half == 0 && (byte == 4 || byte == 6) || half == 1 && (byte == 0 || byte == 2) {
                        buffer[index] = UInt8(ascii: "-")
                        index += 1
                    }
                    let value = UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * byte))
                    buffer[index] = hexadecimalDigit(value >> 4)
                    buffer[index + 1] = hexadecimalDigit(value & 15)
                    index += 2
                }
            }
            return index
        }
    }

    /// Reads the canonical 36 characters, in either case; nil for anything else.
    public init?(_ text: String) {
        guard text.utf8.count == 36 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (index, byte) in text.utf8.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let value = hexadecimalValue(byte) else { return nil }
            if digits < 16 {
                words.0 = words.0 << 4 | UInt64(value)
            } else {
                words.1 = words.1 << 4 | UInt64(value)
            }
            digits += 1
        }
        self.init(high: words.0, low: words.1)
    }
}

/// What an ``ID`` can identify.
///
/// These types have no values; they only tell ids apart.
public enum IDSubject {
    /// A campus: the unit of tenancy.
    public enum Campus {}
    /// An order.
    public enum Order {}
    /// A payment reported by the platform.
    public enum Payment {}
    /// An after-sales case.
    public enum Case {}
    /// A refund.
    public enum Refund {}
    /// A piece of evidence.
    public enum Evidence {}
    /// A platform key.
    public enum Key {}
    /// A set of verification keys that an identity provider publishes.
    public enum KeySet {}
    /// A webhook endpoint.
    public enum WebhookEndpoint {}
    /// A request to erase what is known of a person.
    public enum Erasure {}
    /// Whatever an event or a timer is about.
    public enum Anything {}
}

/// The id of a campus.
public typealias CampusID = ID<IDSubject.Campus>
/// The id of an order.
public typealias OrderID = ID<IDSubject.Order>
/// The id of a payment.
public typealias PaymentID = ID<IDSubject.Payment>
/// The id of an after-sales case.
public typealias CaseID = ID<IDSubject.Case>
/// The id of a refund.
public typealias RefundID = ID<IDSubject.Refund>
/// The id of a piece of evidence.
public typealias EvidenceID = ID<IDSubject.Evidence>
/// The id of a platform key.
public typealias KeyID = ID<IDSubject.Key>
/// The id of a set of verification keys that an identity provider publishes.
public typealias KeySetID = ID<IDSubject.KeySet>
/// The id of a webhook endpoint.
public typealias WebhookEndpointID = ID<IDSubject.WebhookEndpoint>
/// The id of a request to erase what is known of a person.
public typealias ErasureID = ID<IDSubject.Erasure>
/// The id of whatever an event or a timer is about.
public typealias AnyID = ID<IDSubject.Anything>

func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

func hexadecimalValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}
