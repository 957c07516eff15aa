import CLibPQ

/// Where the server is, who logs in, and how long everything may take.
public struct ConnectionConfiguration: Sendable {
    /// The connection string in libpq's form, with one host or several; holds the password.
    private let url: String
    /// What the server shows as the connection's purpose in `pg_stat_activity`.
    public var applicationName: String
    /// The longest that connecting to one host may take; libpq counts whole seconds, and at least two.
    public var connectTimeout: Duration
    /// The longest that a statement may run in the server; zero is for ever.
    public var statementTimeout: Duration
    /// The longest that a transaction may wait for its next statement before the server ends the session; zero is for ever.
    public var idleInTransactionTimeout: Duration
    /// The longest that a statement may wait for a lock; nil is as long as it may run.
    public var lockTimeout: Duration?
    /// The longest that the client waits for an answer, for a dead link never fires the server's limits.
    ///
    /// Nil is two seconds more than `statementTimeout`.
    public var clientDeadline: Duration?
    /// How many statements a connection keeps prepared.
    public var statementCacheSize: Int
    /// Server settings for each session, beside those above.
    public var sessionSettings: [String: String]
    /// Whether settings travel in the startup message's `options`.
    ///
    /// PgBouncer takes them with `ignore_startup_parameters = options` and ignores them; then they belong to the role
    /// (`alter role … set statement_timeout = …`).
    public var sendsSessionSettings: Bool
    /// Further keywords of libpq, which override those of the URL.
    public var extra: [String: String]

    /// Reads a connection string: `postgresql://user:password@host:port/database?keyword=value`, or `keyword=value …`.
    ///
    /// - Throws: `PostgresError.invalidConfiguration` when libpq cannot read it.
    public init(url: String) throws {
        var message: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(url, &message)
        defer {
            PQconninfoFree(options)
            PQfreemem(message)
        }
        guard options != nil else {
            // libpq's message may quote the string, and with it the password.
            throw PostgresError.invalidConfiguration("not a PostgreSQL connection string")
        }
        self.url = url
        applicationName = "campus"
        connectTimeout = .seconds(3)
        statementTimeout = .seconds(5)
        idleInTransactionTimeout = .seconds(2)
        statementCacheSize = 256
        sessionSettings = [:]
        sendsSessionSettings = true
        extra = [:]
    }

    /// The longest wait for an answer; nil is for ever.
    var answerDeadline: Duration? {
        if let clientDeadline { return clientDeadline }
        return statementTimeout == .zero ? nil : statementTimeout + .seconds(2)
    }

    /// libpq's keywords and their values, later ones overriding earlier ones.
    var parameters: [(keyword: String, value: String)] {
        var parameters: [(keyword: String, value: String)] = [
            // Beneath the URL, so that it may say otherwise.
            ("keepalives", "1"),
            ("keepalives_idle", "10"),
            ("keepalives_interval", "5"),
            ("keepalives_count", "3"),
            ("tcp_user_timeout", "\((answerDeadline ?? .seconds(30)).millisecondsRoundedUp)"),
            ("fallback_application_name", applicationName),
            ("dbname", url),
            ("connect_timeout", "\(max(2, (connectTimeout.millisecondsRoundedUp + 999) / 1_000))"),
            ("client_encoding", "UTF8"),
        ]
        if sendsSessionSettings { parameters.append(("options", options)) }
        parameters += extra.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return parameters
    }

    /// Server settings as the startup message's `options` carries them; those of the URL come last and win.
    private var options: String {
        var settings = [
            "statement_timeout": "\(statementTimeout.millisecondsRoundedUp)",
            "idle_in_transaction_session_timeout": "\(idleInTransactionTimeout.millisecondsRoundedUp)",
            "timezone": "UTC",
        ]
        if let lockTimeout { settings["lock_timeout"] = "\(lockTimeout.millisecondsRoundedUp)" }
        settings.merge(sessionSettings) { _, given in given }
        let ours = settings.sorted { $0.key < $1.key }.map { "-c \($0.key)=\(Self.escaped($0.value))" }
        return (ours + [value(of: "options")].compactMap(\.self)).joined(separator: " ")
    }

    /// A value with the characters that separate options escaped.
    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            if character == " " || character == "\\" { text += "\\" }
            text.append(character)
        }
    }

    /// What the connection string says for a keyword of libpq.
    func value(of keyword: String) -> String? {
        guard let options = PQconninfoParse(url, nil) else { return nil }
        defer { PQconninfoFree(options) }
        var option = options
        while let name = option.pointee.keyword {
            if String(cString: name) == keyword { return option.pointee.val.map { String(cString: $0) } }
            option += 1
        }
        return nil
    }
}

extension ConnectionConfiguration: CustomStringConvertible {
    /// Where and who, without the password.
    public var description: String {
        let parts = ["host", "port", "dbname", "user"].compactMap { keyword in
            value(of: keyword).map { "\(keyword)=\($0)" }
        }
        return parts.joined(separator: " ")
    }
}
