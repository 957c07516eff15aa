import Logging
import Model

/// How log lines look.
public enum LogFormat: String, CaseIterable, Sendable {
    /// One JSON object a line, for machines.
    case json
    /// A readable line, for people.
    case text
}

/// One line before it is written: what a handler was given, reduced to the keys a log may have.
struct LogLine {
    let at: Timestamp
    let level: Logger.Level
    let service: String
    let message: String
    /// In the order of ``LogKey``.
    let values: [(key: LogKey, value: Logger.MetadataValue)]

    /// The line as JSON, with its newline.
    var json: [UInt8] {
        var object: JSONObject = [
            "ts": .string(at.rfc3339), "level": .string(level.rawValue), "service": .string(service),
        ]
        for (key, value) in values where key == .event { object[key.rawValue] = value.json }
        object["msg"] = .string(Redaction.masked(message))
        for (key, value) in values where key != .event { object[key.rawValue] = value.json }
        return JSON.object(object).serialized() + [0x0a]
    }

    /// The line for people: time, level, message, and what is particular.
    func text(isColoured: Bool) -> [UInt8] {
        var line = "\(at.rfc3339.dropFirst(11).prefix(8)) "
        let name = level.rawValue.uppercased()
        line += isColoured ? "\(level.colour)\(name)\u{1B}[0m" : name
        line += String(repeating: " ", count: 8 - min(7, name.count)) + Redaction.masked(message)
        for (key, value) in values where key != .event {
            let text = value.json.string ?? value.json.text
            line += isColoured ? " \u{1B}[2m\(key.rawValue)=\u{1B}[0m\(text)" : " \(key.rawValue)=\(text)"
        }
        if let event = values.first(where: { $0.key == .event }) {
            let text = event.value.json.string ?? ""
            line += isColoured ? " \u{1B}[2m(\(text))\u{1B}[0m" : " (\(text))"
        }
        return Array(line.map { $0.isNewline ? " " : $0 }.reduce(into: "") { $0.append($1) }.utf8) + [0x0a]
    }
}

extension Logger.Level {
    fileprivate var colour: String {
        switch self {
        case .trace, .debug: "\u{1B}[2m"
        case .info, .notice: "\u{1B}[32m"
        case .warning: "\u{1B}[33m"
        case .error, .critical: "\u{1B}[31m"
        }
    }
}

extension Logger.MetadataValue {
    /// The value with its JSON type; text is masked.
    var json: JSON {
        switch self {
        case .string(let text): return .string(Redaction.masked(text))
        case .stringConvertible(let value):
            switch value {
            case let value as Int64: return .integer(value)
            case let value as Int: return .integer(Int64(value))
            case let value as Bool: return .bool(value)
            case let value as Double: return .double(value)
            case let value as any FixedWidthInteger: return Self.integer(value)
            case let value as Duration: return .double(value.milliseconds)
            default: return .string(Redaction.masked("\(value)"))
            }
        case .array(let values): return .array(values.map(\.json))
        case .dictionary(let values):
            return .object(JSONObject(values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) }))
        }
    }

    private static func integer(_ value: some FixedWidthInteger) -> JSON { .integer(Int64(clamping: value)) }
}
