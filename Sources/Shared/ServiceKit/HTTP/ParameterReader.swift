import HTTPTypes
import Model

/// Reads an operation's query, headers and path values by their schemas, gathering every fault.
struct ParameterReader: Sendable {
    private let query: [Parameter]
    private let headers: [(parameter: Parameter, name: HTTPField.Name)]
    private let path: [Parameter]

    init(_ operation: Operation) {
        query = operation.queryParameters
        headers = operation.headerParameters.compactMap { parameter in
            HTTPField.Name(parameter.name).map { (parameter, $0) }
        }
        path = operation.parameters.filter { $0.location == .path }
    }

    /// The query's values; a parameter that is unknown, sent twice or not as its schema says is a fault.
    func query(_ text: Substring?, _ faults: inout [Fault]) -> JSONObject {
        var values: JSONObject = [:]
        for pair in (text ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(parts[0], plusIsSpace: true),
                let value = PercentEncoding.decode(parts.count > 1 ? parts[1] : "", plusIsSpace: true)
            else {
                faults.append(Fault("", "must be percent-encoded UTF-8", in: .query))
                continue
            }
            guard let parameter = query.first(where: { $0.name == name }) else {
                faults.append(Fault(Fault.step(String(name.prefix(64))), "is not a known parameter", in: .query))
                continue
            }
            guard values[name] == nil else {
                faults.append(Fault(Fault.step(name), "is given more than once", in: .query))
                continue
            }
            values[name] = check(value, parameter, &faults)
        }
        for parameter in query where parameter.isRequired && values[parameter.name] == nil {
            faults.append(Fault(Fault.step(parameter.name), "is missing", in: .query))
        }
        return values
    }

    /// Checks the operation's own headers.
    ///
    /// A missing `If-Match` has a problem of its own (RFC 6585 §3).
    func headers(_ fields: HTTPFields, _ faults: inout [Fault]) throws(Problem) {
        for (parameter, name) in headers {
            if let value = fields[name] {
                _ = check(value, parameter, &faults)
            } else if parameter.isRequired {
                guard name != .ifMatch else {
                    throw Problem(.versionRequired, "This needs If-Match with the ETag of the version that was read.")
                }
                faults.append(Fault(Fault.step(parameter.name), "is missing", in: .header))
            }
        }
    }

    /// Whether the path's values can name something; when not, there is nothing there.
    func accepts(_ values: [(name: String, value: String)]) -> Bool {
        values.allSatisfy { entry in
            let schema = path.first { $0.name == entry.name }?.schema ?? .id
            return schema.validate(schema.coerced(entry.value)).isEmpty
        }
    }

    private func check(_ text: String, _ parameter: Parameter, _ faults: inout [Fault]) -> JSON {
        let value = parameter.schema.coerced(text)
        var collector = FaultCollector(location: parameter.location)
        collector.descend(.name(parameter.name)) { collector in parameter.schema.check(value, &collector) }
        faults.append(contentsOf: collector.faults)
        return value
    }
}

extension JSONSchema {
    /// What a text in a query, header or path stands for; a text that cannot be it stays a text, which the schema then refuses.
    func coerced(_ text: String) -> JSON {
        switch rule {
        case .integer:
            let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
            let isNumber = !digits.isEmpty && digits.allSatisfy { (0x30...0x39).contains($0) }
            return (isNumber ? Int64(text) : nil).map(JSON.integer) ?? .string(text)
        case .number:
            guard let number = try? JSON(parsing: text), number.number != nil else { return .string(text) }
            return number
        case .boolean:
            switch text {
            case "true": return true
            case "false": return false
            default: return .string(text)
            }
        case .array(let element, _):
            return .array(
                text.isEmpty
                    ? []
                    : text.split(separator: ",", omittingEmptySubsequences: false).map {
                        element.coerced(String($0))
                    }
            )
        case .nullable(let schema): return schema.coerced(text)
        case .any, .string, .enumeration, .object, .map, .oneOf: return .string(text)
        }
    }
}
