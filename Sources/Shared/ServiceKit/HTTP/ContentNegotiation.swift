import HTTPTypes

/// What types a client sends and takes (RFC 9110 §8.3, §12.5.1).
enum ContentNegotiation {
    /// Whether an `Accept` header takes `type`; problems are sent whatever it says.
    static func accepts(_ header: String?, _ type: String) -> Bool {
        guard let header, header != "*/*", header != type else { return true }
        let family = type.prefix { $0 != "/" } + "/*"
        var best: (precision: Int, isWanted: Bool)?
        for range in header.split(separator: ",") {
            let parts = range.split(separator: ";")
            guard let name = parts.first?.trimmingBlanks.lowercased() else { continue }
            let precision = name == type ? 3 : name == family ? 2 : name == "*/*" ? 1 : 0
            guard precision > best?.precision ?? 0 else { continue }
            let weight = parts.dropFirst().map(\.trimmingBlanks).first { $0.lowercased().hasPrefix("q=") }
            best = (precision, weight.map { (Double($0.dropFirst(2)) ?? 0) > 0 } ?? true)
        }
        return best?.isWanted ?? false
    }

    /// Whether a `Content-Type` is one of `types`, in UTF-8 if it names a charset at all.
    static func isOne(of types: [String], _ header: String?) -> Bool {
        guard let header else { return false }
        if types.contains(header) { return true }
        let parts = header.split(separator: ";")
        guard let name = parts.first?.trimmingBlanks.lowercased(), types.contains(name) else { return false }
        return parts.dropFirst().map(\.trimmingBlanks).allSatisfy { parameter in
            let text = parameter.lowercased()
            return !text.hasPrefix("charset=") || text == "charset=utf-8" || text == #"charset="utf-8""#
        }
    }
}
