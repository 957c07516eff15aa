/// A resource's versions as a strong entity tag (RFC 9110 §8.8.3).
public struct ETag: Hashable, Sendable {
    /// The versions it stands for: the resource's own, then those of what is shown with it, in a fixed order.
    public let versions: [Int64]

    /// The tag of a resource that is shown alone.
    public init(version: Int64) {
        versions = [version]
    }

    /// The tag of a resource that is shown with others.
    ///
    /// A sum of versions would not do: it can come to the same again when what is shown with the resource changes.
    public init(versions: [Int64]) {
        self.versions = versions
    }

    /// The header's value, for example `"v12"` with its quotes, or `"v12.3.1"`.
    public var text: String { "\"v\(versions.map(\.description).joined(separator: "."))\"" }

    /// Whether an `If-Match` or `If-None-Match` value names this tag.
    ///
    /// `*` names any; a weak tag none, since ours are strong.
    public func isNamed(by condition: String) -> Bool {
        let text = text
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
