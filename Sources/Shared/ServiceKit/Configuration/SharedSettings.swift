import Logging
import Model

// The settings that every service has.
extension Setting where Value == String {
    /// Where the database is, as the service's own login.
    public static let databaseURL = Setting.text(
        "DATABASE_URL",
        secret: true,
        example: "postgresql://order_service@localhost/campus",
        "The connection string of PostgreSQL, with the service's own login."
    )
    /// The address to listen on.
    public static let httpHost = Setting.text(
        "HTTP_HOST",
        default: "127.0.0.1",
        "The address to listen on; 0.0.0.0 is all."
    )
}

extension Setting where Value == Int {
    /// The port to listen on.
    public static let httpPort = Setting.integer(
        "HTTP_PORT",
        default: 8080,
        0...65_535,
        "The port to listen on; 0 takes a free one."
    )
    /// The most open connections.
    public static let httpConnections = Setting.integer(
        "HTTP_MAX_CONNECTIONS",
        default: 10_000,
        1...1_000_000,
        "How many client connections may be open; more wait to be accepted."
    )
    /// The most database connections.
    public static let databasePoolSize = Setting.integer(
        "DATABASE_POOL_SIZE",
        default: 16,
        1...1_000,
        "How many database connections requests and tasks may have open."
    )
    /// The most database connections of what runs in the background.
    public static let databaseBackgroundPoolSize = Setting.integer(
        "DATABASE_BACKGROUND_POOL_SIZE",
        default: 4,
        2...100,
        "How many more the event log and the timers may have open, so that no load of requests holds them up; one more listens."
    )
}

extension Setting where Value == Int {
    /// How often a platform key may ask.
    public static let keyRateLimit = Setting.integer(
        "KEY_RATE_LIMIT",
        default: 2_000,
        1...1_000_000,
        "How many requests a second a platform key may make of this process; twice as many at once after a rest."
    )
    /// How often a user may ask.
    public static let userRateLimit = Setting.integer(
        "USER_RATE_LIMIT",
        default: 50,
        1...1_000_000,
        "How many requests a second a user's tokens may make of this process; twice as many at once after a rest."
    )
    /// How often all credentials of a campus together may ask.
    public static let campusRateLimit = Setting.integer(
        "CAMPUS_RATE_LIMIT",
        default: 4_000,
        1...1_000_000,
        "How many requests a second all credentials of a campus together may make of this process, a fifth of them at once, so that others have room."
    )
    /// How often strangers may ask.
    public static let strangerRateLimit = Setting.integer(
        "STRANGER_RATE_LIMIT",
        default: 1_000,
        1...1_000_000,
        "How many credentials a second a process looks at that it does not know yet; those it knows are not held up by them."
    )
}

extension Setting where Value == Duration {
    /// How long to wait for a database connection.
    public static let databaseWait = Setting.seconds(
        "DATABASE_POOL_WAIT_S",
        default: 1,
        0.05...30,
        "How long a request waits for a database connection before it is answered 503."
    )
    /// How long a body may take to arrive.
    public static let httpBodyTimeout = Setting.seconds(
        "HTTP_BODY_TIMEOUT_S",
        default: 15,
        0.1...600,
        "How long a request's body may take to arrive before it is answered 408; of an import, each piece of it."
    )
    /// How long an idle connection stays open.
    public static let httpIdleTimeout = Setting.seconds(
        "HTTP_IDLE_TIMEOUT_S",
        default: 75,
        0.1...3_600,
        "How long a connection may be idle, or its headers arrive, before it is closed; more than the proxy in front has."
    )
    /// How long shutting down may take.
    public static let shutdownTimeout = Setting.seconds(
        "SHUTDOWN_TIMEOUT_S",
        default: 8,
        0.5...300,
        "How long requests in hand may take after SIGTERM before they are cut off."
    )
    /// How often statistics are written.
    public static let statsInterval = Setting.seconds(
        "STATS_INTERVAL_S",
        default: 10,
        0.1...3_600,
        "How often the stats line is written."
    )
}

extension Setting where Value == Logger.Level {
    /// The least level that is logged.
    public static let logLevel = Setting.choice(
        "LOG_LEVEL",
        default: .info,
        "The least level that is logged; debug has a line for each request."
    )
}

extension Setting where Value == LogFormat {
    /// How log lines look.
    public static let logFormat = Setting.choice(
        "LOG_FORMAT",
        default: .json,
        "How log lines look: json for machines, text for people."
    )
}

// How long something is kept; several services follow each.
extension Setting where Value == Duration {
    /// How long the event log reaches back.
    public static let eventRetention = Setting.days(
        "EVENT_RETENTION_DAYS",
        default: 30,
        1...3_650,
        "For how many days events can be read in the feed, and dead tasks are kept; the same for all services."
    )
    /// How long personal fields of orders and cases are kept.
    public static let personalDataRetention = Setting.days(
        "PERSONAL_DATA_RETENTION_DAYS",
        default: 1_096,
        30...36_500,
        "How many days after their last change orders and cases keep what they say of persons; trade law asks for three years."
    )
}

/// The settings that every service has.
public enum SharedSettings {
    /// All of them, with the service's own port.
    public static func all(port: Int) -> [any DeclaredSetting] {
        [
            Setting.databaseURL, Setting.databasePoolSize, Setting.databaseBackgroundPoolSize, Setting.databaseWait,
            Setting.httpHost, Setting.httpPort.defaulting(to: String(port)), Setting.httpConnections,
            Setting.httpBodyTimeout,
            Setting.httpIdleTimeout, Setting.eventRetention, Setting.keyRateLimit, Setting.userRateLimit,
            Setting.campusRateLimit, Setting.strangerRateLimit,
            Setting.shutdownTimeout, Setting.logLevel, Setting.logFormat,
            Setting.statsInterval,
        ]
    }
}

/// The settings of the commands that set up a database.
public enum OperatorSettings {
    /// Where the database is, as a login that may change its objects.
    public static let migrationDatabaseURL = Setting<String?>.optionalText(
        "MIGRATION_DATABASE_URL",
        secret: true,
        "The connection string for operators' commands: campus_migrator or an owner; DATABASE_URL when empty."
    )

    /// All of them.
    public static let all: [any DeclaredSetting] = [migrationDatabaseURL]
}
