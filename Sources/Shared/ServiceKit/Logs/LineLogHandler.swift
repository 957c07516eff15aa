import Logging
import Model

/// Formats what is logged as lines of a ``LogSink``.
///
/// Metadata under other keys than those of ``LogKey`` is not written, whoever logs it.
public struct LineLogHandler: LogHandler {
    /// What every line of this handler carries.
    public var metadata: Logger.Metadata = [:]
    /// The least level that is written.
    public var logLevel: Logger.Level
    /// Adds what the task at hand carries.
    public var metadataProvider: Logger.MetadataProvider?

    private let service: String
    private let format: LogFormat
    private let isColoured: Bool
    private let sink: LogSink
    private let clock: any WallClock
    /// What a line has whose writer names no event: the libraries' lines.
    private static let unnamedEvent: Logger.Metadata = [LogKey.event.rawValue: "library.log"]

    /// A handler that writes to a sink.
    ///
    /// - `service`: the name of the process.
    /// - `isColoured`: whether text lines have colours, as terminals understand them.
    public init(
        service: String,
        level: Logger.Level,
        format: LogFormat,
        isColoured: Bool,
        sink: LogSink,
        clock: any WallClock
    ) {
        self.service = service
        self.logLevel = level
        self.format = format
        self.isColoured = isColoured
        self.sink = sink
        self.clock = clock
    }

    /// One entry of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Formats a line and hands it to the sink.
    public func log(event: Logging.LogEvent) {
        var entries = LogEntries()
        if let metadata = event.metadata { entries.add(metadata) }
        if let error = event.error { entries.add(LoggedError(error).metadata) }
        entries.add(metadata)
        if let metadataProvider { entries.add(metadataProvider.get()) }
        entries.add(Self.unnamedEvent)
        let line = LogLine(
            at: clock.now(),
            level: event.level,
            service: service,
            message: event.message.description,
            values: entries.inOrder
        )
        switch format {
        case .json: sink.write(line.json)
        case .text: sink.write(line.text(isColoured: isColoured))
        }
    }
}

/// Metadata under keys that a log may have; of several under one key the first counts.
private struct LogEntries {
    private var entries: [(rank: Int, key: LogKey, value: Logger.MetadataValue)] = []

    mutating func add(_ metadata: Logger.Metadata) {
        for (name, value) in metadata {
            guard let (rank, key) = Self.ranks[name], !entries.contains(where: { $0.rank == rank }) else { continue }
            entries.append((rank, key, value))
        }
    }

    /// In the order of ``LogKey``.
    var inOrder: [(key: LogKey, value: Logger.MetadataValue)] {
        entries.sorted { $0.rank < $1.rank }.map { ($0.key, $0.value) }
    }

    private static let ranks: [String: (Int, LogKey)] = {
        let ranked = LogKey.allCases.enumerated().map { ($0.element.rawValue, ($0.offset, $0.element)) }
        return Dictionary(ranked) { first, _ in first }
    }()
}

/// The log of a process: one sink, and loggers that write to it.
public struct ServiceLog: Sendable {
    /// Where lines go.
    public let sink: LogSink
    private let service: String
    private let level: Logger.Level
    private let format: LogFormat
    private let isColoured: Bool
    private let clock: any WallClock

    /// A log.
    ///
    /// - `service`: the name of the process in each line.
    /// - `descriptor`: where to write; 1 is standard output.
    /// - `isColoured`: whether text lines have colours.
    public init(
        service: String,
        level: Logger.Level = .info,
        format: LogFormat = .json,
        descriptor: Int32 = 1,
        capacity: Int = 4 << 20,
        isColoured: Bool = false,
        clock: any WallClock = SystemWallClock()
    ) {
        self.service = service
        self.level = level
        self.format = format
        self.isColoured = isColoured
        self.clock = clock
        sink = LogSink(descriptor: descriptor, capacity: capacity) { dropped in
            let event = LoggedEvent.logsDropped
            let line = LogLine(
                at: clock.now(),
                level: event.level,
                service: service,
                message: event.message,
                values: [
                    (.event, .string(event.name)), (.dropped, .stringConvertible(Int64(clamping: dropped))),
                ]
            )
            return format == .json ? line.json : line.text(isColoured: isColoured)
        }
    }

    /// A logger of the process.
    public var logger: Logger {
        Logger(label: service) { _ in handler }
    }

    /// What writes its lines, for ``Logging/LoggingSystem/bootstrap(_:)``.
    var handler: LineLogHandler {
        LineLogHandler(service: service, level: level, format: format, isColoured: isColoured, sink: sink, clock: clock)
    }
}
