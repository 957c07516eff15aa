import Model

/// One thing wrong with a request, with its place.
public struct Fault: Hashable, Sendable {
    /// The part of a request that a fault lies in.
    public enum Location: String, Hashable, Sendable {
        /// The body; the pointer walks the JSON.
        case body
        /// The query; the pointer is `/` and the parameter's name.
        case query
        /// A header; the pointer is `/` and its name.
        case header
        /// The path; the pointer is `/` and the parameter's name.
        case path
    }

    /// The part of the request.
    public let location: Location
    /// A JSON pointer (RFC 6901): empty for the whole, otherwise each step after a slash.
    public let pointer: String
    /// What is wrong, in words for the client's developer.
    ///
    /// Never quotes the value.
    public let detail: String

    /// A fault.
    public init(_ pointer: String, _ detail: String, in location: Location = .body) {
        self.location = location
        self.pointer = pointer
        self.detail = detail
    }

    /// `{"in":…,"pointer":…,"detail":…}`.
    public var json: JSON {
        ["in": .string(location.rawValue), "pointer": .string(pointer), "detail": .string(detail)]
    }

    /// A step of a pointer with `~` and `/` escaped.
    static func step(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else {
            return "/" + name
        }
        var escaped = "/"
        for character in name {
            switch character {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
