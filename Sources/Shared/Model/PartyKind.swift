/// What a person or shop is to a campus: with the platform's id it names somebody whom facts, contacts and erasures are about.
public enum PartyKind: String, CaseIterable, Hashable, Sendable {
    /// A student, or whoever else orders.
    case customer
    /// A shop.
    case merchant
    /// Who carries orders.
    case rider
}

/// Somebody of a campus.
public struct Party: Hashable, Sendable {
    /// What they are.
    public let kind: PartyKind
    /// The platform's id of them.
    public let id: String

    /// Whoever has that id among their kind.
    public init(kind: PartyKind, id: String) {
        self.kind = kind
        self.id = id
    }
}

extension Party: CustomStringConvertible {
    /// For example `customer:stu_1`.
    public var description: String { "\(kind.rawValue):\(id)" }
}
