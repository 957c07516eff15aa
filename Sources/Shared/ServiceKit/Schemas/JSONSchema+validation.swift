import Model

extension JSONSchema {
    /// Every fault of a value, with its place; none when it is as the schema says.
    public func validate(_ json: JSON) -> [Fault] {
        var faults = FaultCollector()
        check(json, &faults)
        return faults.faults
    }

    /// Checks `json`, which lies where `faults` points.
    func check(_ json: JSON, _ faults: inout FaultCollector) {
        switch rule {
        case .any:
            if json.holdsNUL { faults.add("must not contain NUL characters") }
        case .boolean:
            if json.bool == nil { faults.add("must be true or false") }
        case .integer(let range):
            Self.check(integer: json, range, &faults)
        case .number(let range):
            guard let number = json.number else { return faults.add("must be a number") }
            if !range.contains(number) { faults.add("must be between \(range.lowerBound) and \(range.upperBound)") }
        case .string(let length, let pattern, let format):
            guard let string = json.string else { return faults.add("must be a string") }
            Self.check(string: string, length, pattern, format, &faults)
        case .enumeration(let values):
            guard let string = json.string, values.contains(string) else {
                return faults.add("must be one of \(values.joined(separator: ", "))")
            }
        case .array(let element, let count):
            Self.check(array: json, of: element, count, &faults)
        case .object(_, let members, let isOpen):
            guard let object = json.object else { return faults.add("must be an object") }
            Self.check(object: object, members, isOpen, &faults)
        case .map(let value, let count):
            Self.check(map: json, of: value, count, &faults)
        case .nullable(let schema):
            if !json.isNull { schema.check(json, &faults) }
        case .oneOf(let schemas):
            guard !schemas.contains(where: { $0.validate(json).isEmpty }) else { return }
            faults.add("must be one of the documented forms")
        }
    }

    private static func check(integer json: JSON, _ range: ClosedRange<Int64>, _ faults: inout FaultCollector) {
        guard let integer = json.integer else { return faults.add("must be a whole number") }
        guard !range.contains(integer) else { return }
        switch (range.lowerBound, range.upperBound) {
        case (let lower, Int64.max): faults.add("must be at least \(lower)")
        case (Int64.min, let upper): faults.add("must be at most \(upper)")
        case (let lower, let upper): faults.add("must be between \(lower) and \(upper)")
        }
    }

    private static func check(
        string: String,
        _ length: ClosedRange<Int>,
        _ pattern: StringPattern?,
        _ format: Format?,
        _ faults: inout FaultCollector
    ) {
        // Scalars are counted only when the bytes cannot decide.
        let bytes = string.utf8.count
        if bytes < length.lowerBound || bytes > length.upperBound || length.lowerBound > 1 {
            let scalars = string.unicodeScalars.count
            if !length.contains(scalars) {
                return faults.add(
                    length.count == 1
                        ? "must have \(length.lowerBound) characters"
                        : "must have between \(length.lowerBound) and \(length.upperBound) characters"
                )
            }
        }
        if string.utf8.contains(0) { return faults.add("must not contain NUL characters") }
        if let pattern, !pattern.matches(string) { return faults.add("must \(pattern.meaning)") }
        switch format {
        case .dateTime:
            if Timestamp(rfc3339: string) == nil { faults.add("must be an RFC 3339 time such as 2026-03-01T12:00:00Z") }
        case .date:
            if Timestamp(rfc3339: string + "T00:00:00Z") == nil { faults.add("must be a day such as 2026-03-01") }
        case .uuid:
            if AnyID(string) == nil { faults.add("must be a UUID") }
        case .uri, nil:
            break
        }
    }

    private static func check(
        array json: JSON,
        of element: JSONSchema,
        _ count: ClosedRange<Int>,
        _ faults: inout FaultCollector
    ) {
        guard let elements = json.array else { return faults.add("must be an array") }
        guard count.contains(elements.count) else {
            return faults.add("must have between \(count.lowerBound) and \(count.upperBound) elements")
        }
        for (index, value) in elements.enumerated() {
            faults.descend(.index(index)) { faults in element.check(value, &faults) }
        }
    }

    private static func check(
        object: JSONObject,
        _ members: [Member],
        _ isOpen: Bool,
        _ faults: inout FaultCollector
    ) {
        var known = 0
        for member in members {
            if let value = object[member.name] {
                known += 1
                faults.descend(.name(member.name)) { faults in member.schema.check(value, &faults) }
            } else if member.isRequired {
                faults.descend(.name(member.name)) { faults in faults.add("is missing") }
            }
        }
        guard known < object.members.count, !isOpen else { return }
        for member in object.members where !members.contains(where: { $0.name == member.name }) {
            faults.descend(.name(member.name)) { faults in faults.add("is not a known member") }
        }
    }

    private static func check(
        map json: JSON,
        of value: JSONSchema,
        _ count: ClosedRange<Int>,
        _ faults: inout FaultCollector
    ) {
        guard let object = json.object else { return faults.add("must be an object") }
        guard count.contains(object.members.count) else {
            return faults.add("must have between \(count.lowerBound) and \(count.upperBound) members")
        }
        for member in object.members {
            faults.descend(.name(member.name)) { faults in
                if member.name.utf8.contains(0) { faults.add("must not have NUL characters in its name") }
                value.check(member.value, &faults)
            }
        }
    }
}

/// Gathers faults while a value is walked.
///
/// The pointer is only put together when there is a fault.
struct FaultCollector {
    enum Step {
        case name(String)
        case index(Int)
    }

    /// The most faults a problem lists: enough for a person, too few to make the answer larger than the question.
    static let limit = 100

    private(set) var faults: [Fault] = []
    private var path: [Step] = []
    private let location: Fault.Location

    init(location: Fault.Location = .body) {
        self.location = location
    }

    mutating func add(_ detail: String) {
        guard faults.count < Self.limit else { return }
        let pointer = path.reduce(into: "") { pointer, step in
            switch step {
            case .name(let name): pointer += Fault.step(name.printable)
            case .index(let index): pointer += "/\(index)"
            }
        }
        faults.append(Fault(pointer, detail, in: location))
    }

    mutating func descend(_ step: Step, _ body: (inout FaultCollector) -> Void) {
        path.append(step)
        body(&self)
        path.removeLast()
    }
}

extension JSON {
    /// Whether any string in it, names included, has a NUL character, which PostgreSQL cannot store.
    var holdsNUL: Bool {
        switch self {
        case .null, .bool, .integer, .double: false
        case .string(let string): string.utf8.contains(0)
        case .array(let elements): elements.contains(where: \.holdsNUL)
        case .object(let object): object.members.contains { $0.name.utf8.contains(0) || $0.value.holdsNUL }
        }
    }
}

extension String {
    /// At most 64 scalars of it, for a pointer that echoes an unknown member's name.
    fileprivate var printable: String {
        guard utf8.count > 64 else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.prefix(64)))
    }
}
