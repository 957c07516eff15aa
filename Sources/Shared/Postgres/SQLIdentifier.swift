/// The name of a table, column or channel, safe to be part of a statement's text.
///
/// Only `[a-z_][a-z0-9_]*`, at most 63 characters, which needs no quoting.
public struct SQLIdentifier: Hashable, Sendable, CustomStringConvertible {
    /// The name, as it appears in the statement.
    public let name: String

    /// Takes a name written in source text; a name that is none is a mistake of the programmer and traps.
    public init(_ name: StaticString) {
        let text = "\(name)"
        precondition(Self.isValid(text), "not a plain SQL identifier")
        self.name = text
    }

    /// Takes a name that comes from elsewhere.
    ///
    /// - Throws: `PostgresError.invalidParameter` when it is no plain identifier.
    public init(validating name: String) throws {
        guard Self.isValid(name) else { throw PostgresError.invalidParameter("not a plain SQL identifier") }
        self.name = name
    }

    /// The name.
    public var description: String { name }

    private static func isValid(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 63 else { return false }
        let isLetter = { (byte: UInt8) in (0x61...0x7A).contains(byte) || byte == 0x5F }
        return isLetter(first) && name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
    }
}
