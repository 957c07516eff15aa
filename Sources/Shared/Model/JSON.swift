/// A JSON value (RFC 8259).
///
/// Requests are read into this rather than straight into types, because every fault of a request is to be named at once, with its
/// place; a decoder that stops at the first cannot do that.
public enum JSON: Hashable, Sendable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number written without fraction and exponent that fits 64 bits.
    case integer(Int64)
    /// Any other number.
    case double(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object.
    case object(JSONObject)
}

extension JSON {
    /// The string, when it is one.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The whole number, when it is one.
    ///
    /// `2.0` is one too, as JSON Schema has it.
    public var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .double(let value): Int64(exactly: value)
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// The number, when it is one.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// The truth value, when it is one.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements, when it is an array.
    public var array: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The object, when it is one.
    public var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// Whether it is `null`.
    public var isNull: Bool { self == .null }

    /// The member of that name, when it is an object that has it.
    public subscript(name: String) -> JSON? { object?[name] }

    /// The string, or `null` for nil.
    public static func optional(_ value: String?) -> JSON {
        value.map(JSON.string) ?? .null
    }

    /// The number, or `null` for nil.
    public static func optional(_ value: Int64?) -> JSON {
        value.map(JSON.integer) ?? .null
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// The value that the literal spells.
    public init(stringLiteral value: String) { self = .string(value) }
    /// The value that the literal spells.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// The value that the literal spells.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// The value that the literal spells.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// The value that the literal spells.
    public init(nilLiteral: ()) { self = .null }
    /// The value that the literal spells.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// The value that the literal spells.
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
}

/// The members of a JSON object, in the order they were written.
///
/// Objects here are small, so a look-up walks the members; that beats hashing below about a dozen.
public struct JSONObject: Sendable {
    /// A name and its value.
    public struct Member: Hashable, Sendable {
        /// The name.
        public let name: String
        /// The value.
        public var value: JSON

        /// That name with that value.
        public init(name: String, value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// The members; no two have the same name.
    public private(set) var members: [Member]

    /// An object without members.
    public init() {
        members = []
    }

    /// An object with these members; a later one of the same name wins.
    public init(_ members: [(String, JSON)]) {
        self.init()
        self.members.reserveCapacity(members.count)
        for (name, value) in members { self[name] = value }
    }

    /// Takes members whose names the caller knows to differ.
    init(distinctMembers: [Member]) {
        members = distinctMembers
    }

    /// The member of that name; setting nil takes it away.
    public subscript(name: String) -> JSON? {
        get { members.first { $0.name == name }?.value }
        set {
            let index = members.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// The value that the literal spells.
    public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}

extension JSONObject: Hashable {
    /// The order of members carries no meaning.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count && left.members.allSatisfy { right[$0.name] == $0.value }
    }

    /// Hashes the members whatever their order.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(members.count)
        hasher.combine(members.reduce(0) { $0 ^ $1.hashValue })
    }
}
