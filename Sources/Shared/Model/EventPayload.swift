/// What an event carries: values that its writer and its readers agree on.
public protocol EventPayload: Hashable, Sendable {
    /// What happened.
    var type: EventType { get }
    /// The payload as it is stored and sent.
    var json: JSON { get }
    /// Reads what ``json`` writes; unknown members are passed over, because a newer writer may add some.
    init(type: EventType, json: JSON) throws(PayloadMismatch)
}

/// A payload lacks a field, or has it with an unknown value.
public struct PayloadMismatch: SafelyDescribedError, Hashable {
    /// The name of the field.
    public let field: String

    /// That field is not what it must be.
    public init(field: String) {
        self.field = field
    }

    /// For example ``payload field `amount_fen` is missing or malformed``.
    public var description: String { "payload field `\(field)` is missing or malformed" }
}

extension JSON {
    func requiredString(_ name: String) throws(PayloadMismatch) -> String {
        try required(name, self[name]?.string)
    }

    func requiredInteger(_ name: String) throws(PayloadMismatch) -> Int64 {
        try required(name, self[name]?.integer)
    }

    func requiredBool(_ name: String) throws(PayloadMismatch) -> Bool {
        try required(name, self[name]?.bool)
    }

    func requiredMoney(_ name: String) throws(PayloadMismatch) -> Money {
        Money(fen: try requiredInteger(name))
    }

    func requiredTimestamp(_ name: String) throws(PayloadMismatch) -> Timestamp {
        try required(name, self[name]?.string.flatMap(Timestamp.init(rfc3339:)))
    }

    func requiredID<Subject>(_ name: String) throws(PayloadMismatch) -> ID<Subject> {
        try required(name, self[name]?.string.flatMap(ID<Subject>.init))
    }

    func requiredEnum<Value: RawRepresentable<String>>(_ name: String) throws(PayloadMismatch) -> Value {
        try required(name, self[name]?.string.flatMap(Value.init(rawValue:)))
    }

    private func required<Value>(_ name: String, _ value: Value?) throws(PayloadMismatch) -> Value {
        guard let value else { throw PayloadMismatch(field: name) }
        return value
    }
}
