import HTTPTypes

/// What types a client sends and takes (RFC 9110 §8.3, §12.5.1).
enum ContentNegotiation {
    /// Whether an `Accept` header takes one of `types`; problems are sent whatever it says.
    static func accepts(_ header: String?, _ types: [String]) -> Bool {
        preferred(types, by: header) != nil
    }

    /// Which of `types` an `Accept` header likes best, the first of those that it likes alike; nil when it takes none.
    static func preferred(_ types: [String], by header: String?) -> String? {
        guard let header, header != "*/*", header != types.first else { return types.first }
        var best: (type: String, weight: Double)?
        for type in types {
            let weight = weight(of: type, in: header)
            if weight > best?.weight ?? 0 { best = (type, weight) }
        }
        return best?.type
    }

    /// How much an `Accept` header likes `type`, 0 to 1: what the most precise of its ranges says.
    private static func weight(of type: String, in header: String) -> Double {
        let family = type.prefix { $0 != "/" } + "/*"
        var best: (precision: Int, weight: Double)?
        for range in header.split(separator: ",") {
            let parts = range.split(separator: ";")
            guard let name = parts.first?.trimmingBlanks.lowercased() else { continue }
            let precision = name == type ? 3 : name == family ? 2 : name == "*/*" ? 1 : 0
            guard precision > best?.precision ?? 0 else { continue }
            let weight = parts.dropFirst().map(\.trimmingBlanks).first { $0.lowercased().hasPrefix("q=") }
            best = (precision, weight.map { Double($0.dropFirst(2)) ?? 0 } ?? 1)
        }
        return best?.weight ?? 0
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
