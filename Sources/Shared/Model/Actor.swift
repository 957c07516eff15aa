/// In which capacity somebody acts.
public enum Role: String, CaseIterable, Hashable, Sendable {
    /// A student, or whoever else ordered.
    case customer
    /// A shop.
    case merchant
    /// Who carries the order.
    case rider
    /// Desk staff who decide cases.
    case agent
    /// Desk staff who decide what agents may not.
    case supervisor
    /// Who sets up a campus.
    case admin
    /// The campus platform itself, by its key.
    case platform
    /// These services, by a rule or a timer.
    case system
}

/// Who did something: a role and the platform's own id of the person, shop or key.
public struct Actor: Hashable, Sendable {
    /// In which capacity.
    public let role: Role
    /// The platform's id of them: 1 to 64 visible ASCII characters.
    public let id: String

    /// The actor with that role and id, unchecked; parse text from outside with ``init(_:)``.
    public init(role: Role, id: String) {
        self.role = role
        self.id = id
    }

    /// A rule or timer of these services.
    public static func system(_ name: String) -> Actor {
        Actor(role: .system, id: name)
    }

    /// Whether `id` can be the platform's id of a person or shop: 1 to 64 visible ASCII characters.
    public static func isValidID(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }
}

extension Actor: LosslessStringConvertible {
    /// The text form, for example `customer:stu_1`.
    public var description: String { "\(role.rawValue):\(id)" }

    /// Reads the text form; nil when the role is unknown or the id cannot be one.
    public init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), let role = Role(rawValue: String(text[..<colon])) else {
            return nil
        }
        let id = String(text[text.index(after: colon)...])
        guard Actor.isValidID(id) else { return nil }
        self.init(role: role, id: id)
    }

    /// Reads the text form as our own rows hold it.
    ///
    /// A key's name may be what no user's id can be, so the id is not checked.
    public init(stored text: String) throws(UnknownRole) {
        guard let colon = text.firstIndex(of: ":"), let role = Role(rawValue: String(text[..<colon])) else {
            throw UnknownRole(text: text)
        }
        self.init(role: role, id: String(text[text.index(after: colon)...]))
    }
}

/// A row names an actor in a role that these services do not know.
public struct UnknownRole: Error, Hashable, Sendable {
    /// What it says.
    public let text: String
}
