/// A resource's version as a strong entity tag (RFC 9110 §8.8.3).
public struct ETag: Hashable, Sendable {
    /// The version it stands for.
    public let version: Int64

    /// The tag of that version.
    public init(version: Int64) {
        self.version = version
    }

    /// The header's value, for example `"v12"` with its quotes.
    public var text: String { "\"v\(version)\"" }

    /// Whether an `If-Match` or `If-None-Match` value names that version.
    ///
    /// `*` names any; a weak tag none, since ours are strong.
    public static func matches(_ condition: String, version: Int64) -> Bool {
        let text = ETag(version: version).text
        return condition.split(separator: ",").contains { candidate in
            let trimmed = candidate.trimmingBlanks
            return trimmed == "*" || trimmed == text
        }
    }
}

extension Substring {
    /// Without spaces and tabs on both ends.
    var trimmingBlanks: Substring {
        var rest = self
        while let first = rest.utf8.first, first == 0x20 || first == 0x09 { rest = rest.dropFirst() }
        while let last = rest.utf8.last, last == 0x20 || last == 0x09 { rest = rest.dropLast() }
        return rest
    }
}
