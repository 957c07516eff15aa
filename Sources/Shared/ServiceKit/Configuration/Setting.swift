import Model

/// One setting of a process: declared once, read from the environment, documented and checked by what is said here.
public struct Setting<Value: Sendable>: DeclaredSetting {
    /// The environment variable.
    public let name: String
    /// What it sets, for `--help` and `docs/configuration.md`.
    ///
    /// One sentence.
    public let meaning: String
    /// What values are allowed, in words.
    public let allowed: String
    /// Its default as it would be written; nil when it must be given.
    public let standard: String?
    /// Whether its value is a secret, which is never shown.
    public let isSecret: Bool
    /// A value for when a setting without default must have one, to describe the service without running it.
    public let example: String?
    private let read: @Sendable (String) -> Value?

    /// A setting of a type of its own.
    ///
    /// - Parameters:
    ///   - name: the environment variable.
    ///   - meaning: one sentence.
    ///   - allowed: what values are allowed, in words.
    ///   - standard: the default as it would be written; nil when it must be given.
    ///   - isSecret: whether its value is never shown.
    ///   - example: an allowed value, for a setting without default.
    ///   - read: the value of a text; nil when it is not allowed.
    public init(
        name: String,
        meaning: String,
        allowed: String,
        standard: String?,
        isSecret: Bool = false,
        example: String? = nil,
        read: @escaping @Sendable (String) -> Value?
    ) {
        self.name = name
        self.meaning = meaning
        self.allowed = allowed
        self.standard = standard
        self.isSecret = isSecret
        self.example = example
        self.read = read
    }

    /// The same setting with another default.
    public func defaulting(to standard: String) -> Setting {
        Setting(
            name: name,
            meaning: meaning,
            allowed: allowed,
            standard: standard,
            isSecret: isSecret,
            example: example,
            read: read
        )
    }

    /// The value of a text; nil when it is not allowed.
    public func value(of text: String) -> Value? { read(text) }

    /// The value of a text, whatever its type; nil when it is not allowed.
    public func parsed(_ text: String) -> (any Sendable)? { read(text) }
}

/// A setting of any type.
public protocol DeclaredSetting: Sendable {
    /// The environment variable.
    var name: String { get }
    /// What it sets.
    var meaning: String { get }
    /// What values are allowed, in words.
    var allowed: String { get }
    /// Its default as it would be written; nil when it must be given.
    var standard: String? { get }
    /// Whether its value is a secret.
    var isSecret: Bool { get }
    /// An allowed value, for a setting without default.
    var example: String? { get }
    /// The value of a text; nil when it is not allowed.
    func parsed(_ text: String) -> (any Sendable)?
}

extension Setting where Value == String {
    /// A text that is not empty.
    public static func text(
        _ name: String,
        default standard: String? = nil,
        secret: Bool = false,
        example: String = "text",
        _ meaning: String
    ) -> Setting {
        Setting(
            name: name,
            meaning: meaning,
            allowed: "text",
            standard: standard,
            isSecret: secret,
            example: example
        ) { $0.isEmpty ? nil : $0 }
    }
}

extension Setting where Value == String? {
    /// A text that may be missing; empty means missing.
    public static func optionalText(_ name: String, secret: Bool = false, _ meaning: String) -> Setting {
        Setting(name: name, meaning: meaning, allowed: "text, or empty", standard: "", isSecret: secret) { text in
            .some(text.isEmpty ? nil : text)
        }
    }
}

extension Setting where Value == Int {
    /// A whole number.
    public static func integer(
        _ name: String,
        default standard: Int?,
        _ range: ClosedRange<Int>,
        _ meaning: String
    ) -> Setting {
        Setting(
            name: name,
            meaning: meaning,
            allowed: "\(range.lowerBound) to \(range.upperBound)",
            standard: standard.map(String.init),
            example: String(range.lowerBound)
        ) { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension Setting where Value == Duration {
    /// A number of seconds, which may have a fraction.
    public static func seconds(
        _ name: String,
        default standard: Double,
        _ range: ClosedRange<Double>,
        _ meaning: String
    ) -> Setting {
        func text(_ number: Double) -> String { number == number.rounded() ? "\(Int(number))" : "\(number)" }
        return Setting(
            name: name,
            meaning: meaning,
            allowed: "\(text(range.lowerBound)) to \(text(range.upperBound)) seconds",
            standard: text(standard)
        ) { text in
            Double(text).flatMap { range.contains($0) ? Duration.milliseconds(Int64($0 * 1_000)) : nil }
        }
    }
}

extension Setting where Value == Duration {
    /// A whole number of days.
    public static func days(
        _ name: String,
        default standard: Int,
        _ range: ClosedRange<Int>,
        _ meaning: String
    ) -> Setting {
        Setting(
            name: name,
            meaning: meaning,
            allowed: "\(range.lowerBound) to \(range.upperBound)",
            standard: String(standard)
        ) { text in
            Int(text).flatMap { range.contains($0) ? .days($0) : nil }
        }
    }
}

extension Setting where Value == Bool {
    /// `true` or `false`.
    public static func flag(_ name: String, default standard: Bool, _ meaning: String) -> Setting {
        Setting(name: name, meaning: meaning, allowed: "true or false", standard: "\(standard)") { Bool($0) }
    }
}

extension Setting where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    /// One of an enum's raw values.
    public static func choice(_ name: String, default standard: Value, _ meaning: String) -> Setting {
        Setting(
            name: name,
            meaning: meaning,
            allowed: Value.allCases.map(\.rawValue).joined(separator: ", "),
            standard: standard.rawValue
        ) { Value(rawValue: $0) }
    }
}
