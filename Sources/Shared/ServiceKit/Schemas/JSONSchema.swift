import Model

/// What a JSON value must look like: checks requests, and describes requests and answers in `openapi.json`.
///
/// One description serves both, so the document cannot promise what the service does not do.
public struct JSONSchema: Sendable {
    /// A member of an object.
    public struct Member: Sendable {
        let name: String
        let schema: JSONSchema
        let isRequired: Bool

        /// A member that must be there.
        public static func required(_ name: String, _ schema: JSONSchema, _ summary: String? = nil) -> Member {
            Member(name: name, schema: schema.described(summary), isRequired: true)
        }

        /// A member that may be missing.
        ///
        /// Missing and `null` differ unless the schema is nullable.
        public static func optional(_ name: String, _ schema: JSONSchema, _ summary: String? = nil) -> Member {
            Member(name: name, schema: schema.described(summary), isRequired: false)
        }
    }

    /// What a string stands for beyond its length and pattern.
    enum Format: String, Sendable {
        case dateTime = "date-time"
        case date
        case uuid
        case uri
    }

    indirect enum Rule: Sendable {
        case any
        case boolean
        case integer(ClosedRange<Int64>)
        case number(ClosedRange<Double>)
        case string(length: ClosedRange<Int>, pattern: StringPattern?, format: Format?)
        case enumeration([String])
        case array(of: JSONSchema, count: ClosedRange<Int>)
        case object(name: String?, members: [Member], isOpen: Bool)
        case map(of: JSONSchema, count: ClosedRange<Int>)
        case nullable(JSONSchema)
        case oneOf([JSONSchema])
    }

    let rule: Rule
    var summary: String?
    var example: JSON?

    init(_ rule: Rule) {
        self.rule = rule
    }

    /// The same schema with words for the document.
    public func described(_ summary: String?) -> JSONSchema {
        guard let summary else { return self }
        var copy = self
        copy.summary = summary
        return copy
    }

    /// The same schema with an example for the document.
    public func example(_ example: JSON) -> JSONSchema {
        var copy = self
        copy.example = example
        return copy
    }
}

extension JSONSchema {
    /// Anything at all, without NUL characters.
    public static let any = JSONSchema(.any)
    /// `true` or `false`.
    public static let boolean = JSONSchema(.boolean)
    /// An RFC 3339 time, for example `2026-03-01T04:05:06.789Z`.
    public static let timestamp = JSONSchema(.string(length: 20...40, pattern: nil, format: .dateTime))
    /// A calendar day, for example `2026-03-01`.
    public static let date = JSONSchema(.string(length: 10...10, pattern: nil, format: .date))
    /// A UUID.
    public static let id = JSONSchema(.string(length: 36...36, pattern: nil, format: .uuid))
    /// A platform's id of a person or shop: 1 to 64 visible ASCII characters.
    public static let actorID = JSONSchema.string(length: 1...64, pattern: .visibleASCII)
    /// An actor's text form, for example `customer:stu_1`.
    public static let actor = JSONSchema.string(length: 3...80, pattern: .visibleASCII)
    /// The same words in Chinese and English.
    public static let localizedText = JSONSchema.object(
        name: "LocalizedText",
        [
            .required("zh-CN", .string(length: 0...4_000)),
            .required("en", .string(length: 0...4_000)),
        ]
    )

    /// A whole number.
    public static func integer(_ range: ClosedRange<Int64> = Int64.min...Int64.max) -> JSONSchema {
        JSONSchema(.integer(range))
    }

    /// A number.
    public static func number(_ range: ClosedRange<Double>) -> JSONSchema {
        JSONSchema(.number(range))
    }

    /// An amount of money in whole fen.
    public static func fen(_ range: ClosedRange<Int64> = 0...100_000_000) -> JSONSchema {
        JSONSchema(.integer(range)).described("Whole fen (1/100 yuan).")
    }

    /// A string without NUL, its length counted in Unicode scalars.
    public static func string(length: ClosedRange<Int>, pattern: StringPattern? = nil) -> JSONSchema {
        JSONSchema(.string(length: length, pattern: pattern, format: nil))
    }

    /// An `http` or `https` URL.
    public static func url(length: ClosedRange<Int> = 8...2_048) -> JSONSchema {
        JSONSchema(.string(length: length, pattern: .webURL, format: .uri))
    }

    /// One of these strings.
    public static func enumeration(_ values: [String]) -> JSONSchema {
        JSONSchema(.enumeration(values))
    }

    /// One of an enum's raw values.
    public static func enumeration<Value: CaseIterable & RawRepresentable>(of type: Value.Type) -> JSONSchema
    where Value.RawValue == String {
        JSONSchema(.enumeration(type.allCases.map(\.rawValue)))
    }

    /// An array.
    public static func array(of element: JSONSchema, count: ClosedRange<Int>) -> JSONSchema {
        JSONSchema(.array(of: element, count: count))
    }

    /// An object with these members and no others.
    ///
    /// - `name`: what the document calls it; objects of one name are described once, so their members must be the same. Nil describes it
    ///   in place.
    /// - `members`: in the order in which the document lists them.
    public static func object(name: String? = nil, _ members: [Member]) -> JSONSchema {
        JSONSchema(.object(name: name, members: members, isOpen: false))
    }

    /// An object with these members and possibly more, which only answers have.
    static func openObject(name: String, _ members: [Member]) -> JSONSchema {
        JSONSchema(.object(name: name, members: members, isOpen: true))
    }

    /// An object whose member names are data.
    public static func map(of value: JSONSchema, count: ClosedRange<Int> = 0...1_000) -> JSONSchema {
        JSONSchema(.map(of: value, count: count))
    }

    /// `null`, or what the schema says.
    public static func nullable(_ schema: JSONSchema) -> JSONSchema {
        var copy = JSONSchema(.nullable(schema))
        copy.summary = schema.summary
        return copy
    }

    /// What at least one of the schemas says.
    public static func oneOf(_ schemas: [JSONSchema]) -> JSONSchema {
        JSONSchema(.oneOf(schemas))
    }

    /// A page of a list: `items`, and `next_cursor` when there is more.
    public static func page(name: String, of item: JSONSchema) -> JSONSchema {
        .object(
            name: name,
            [
                .required("items", .array(of: item, count: 0...Page.largestLimit)),
                .required(
                    "next_cursor",
                    .nullable(.string(length: 1...1_024)),
                    "Send it as `cursor` for the next page; `null` on the last."
                ),
            ]
        )
    }
}
