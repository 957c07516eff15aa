import Model

extension JSONSchema {
    /// The schema as a document of its own (JSON Schema 2020-12), with the named objects in it under `$defs`.
    ///
    /// - `members`: what the document says before it, for example `$id` and `title`.
    public func document(_ members: JSONObject) -> JSON {
        var components = SchemaComponents(place: "#/$defs/")
        let schema = components.document(self)
        var document: JSONObject = ["$schema": "https://json-schema.org/draft/2020-12/schema"]
        for member in members.members + (schema.object?.members ?? []) { document[member.name] = member.value }
        if !components.schemas.members.isEmpty { document["$defs"] = .object(components.schemas) }
        return .object(document)
    }
}

/// The named schemas of a document, gathered while it is written.
struct SchemaComponents {
    private(set) var schemas: JSONObject = [:]
    private var open: Set<String> = []
    /// Where in the document they stand.
    private let place: String

    /// Schemas that will stand there.
    init(place: String = "#/components/schemas/") {
        self.place = place
    }

    /// The schema as OpenAPI 3.1 (JSON Schema 2020-12) has it; named objects become references.
    mutating func document(_ schema: JSONSchema) -> JSON {
        guard case .object(let name?, let members, let isOpen) = schema.rule else {
            return .object(annotated(inline(schema), schema))
        }
        if schemas[name] == nil, open.insert(name).inserted {
            // Reserves the place, so that components stay in the order in which they are first met.
            schemas[name] = .null
            schemas[name] = .object(object(members, isOpen))
        }
        return .object(annotated(["$ref": .string(place + name)], schema))
    }

    private func annotated(_ object: JSONObject, _ schema: JSONSchema) -> JSONObject {
        var object = object
        if let summary = schema.summary { object["description"] = .string(summary) }
        if let example = schema.example { object["examples"] = [example] }
        return object
    }

    private mutating func inline(_ schema: JSONSchema) -> JSONObject {
        switch schema.rule {
        case .any: return [:]
        case .boolean: return ["type": "boolean"]
        case .integer(let range): return Self.integer(range)
        case .number(let range):
            return ["type": "number", "minimum": .double(range.lowerBound), "maximum": .double(range.upperBound)]
        case .string(let length, let pattern, let format): return Self.string(length, pattern, format)
        case .enumeration(let values): return ["type": "string", "enum": .array(values.map(JSON.string))]
        case .array(let element, let count):
            return [
                "type": "array", "items": document(element), "minItems": .integer(Int64(count.lowerBound)),
                "maxItems": .integer(Int64(count.upperBound)),
            ]
        case .object(_, let members, let isOpen): return object(members, isOpen)
        case .map(let value, let count):
            return [
                "type": "object", "additionalProperties": document(value),
                "minProperties": .integer(Int64(count.lowerBound)), "maxProperties": .integer(Int64(count.upperBound)),
            ]
        case .nullable(let schema):
            // What admits anything admits null.
            if case .any = schema.rule { return [:] }
            return ["anyOf": [document(schema), ["type": "null"]]]
        case .oneOf(let schemas): return ["anyOf": .array(schemas.map { document($0) })]
        }
    }

    private static func integer(_ range: ClosedRange<Int64>) -> JSONObject {
        [
            "type": "integer", "format": "int64", "minimum": .integer(range.lowerBound),
            "maximum": .integer(range.upperBound),
        ]
    }

    private static func string(
        _ length: ClosedRange<Int>,
        _ pattern: StringPattern?,
        _ format: JSONSchema.Format?
    ) -> JSONObject {
        var object: JSONObject = ["type": "string"]
        if let format { object["format"] = .string(format.rawValue) }
        if format == nil || format == .uri {
            object["minLength"] = .integer(Int64(length.lowerBound))
            object["maxLength"] = .integer(Int64(length.upperBound))
            object["pattern"] = .string(pattern?.expression ?? "^[^\\u0000]*$")
        }
        return object
    }

    private mutating func object(_ members: [JSONSchema.Member], _ isOpen: Bool) -> JSONObject {
        var properties: JSONObject = [:]
        for member in members { properties[member.name] = document(member.schema) }
        var object: JSONObject = ["type": "object", "properties": .object(properties)]
        let required = members.filter(\.isRequired).map { JSON.string($0.name) }
        if !required.isEmpty { object["required"] = .array(required) }
        if !isOpen { object["additionalProperties"] = false }
        return object
    }
}
