import Logging
import ServiceLifecycle

/// Listens to channels on a connection of its own, and raises flags when they are notified.
///
/// After every (re)connect, once the server listens, all flags are raised: whoever looks then misses nothing, whatever
/// happened in between. A connection that is silent is asked now and then whether it lives. It may still fail unnoticed for a
/// while, so that those who wait should also look by themselves at times.
public final class Listener: Sendable, Service {
    /// How often a silent connection is asked for a sign of life, how long it may take, and how long to wait after a failure.
    public struct Options: Sendable {
        /// How long the connection may be silent before it is asked.
        public var livenessInterval: Duration
        /// How long its answer may take.
        public var livenessDeadline: Duration
        /// How long to wait before connecting again; doubles up to `maximumBackoff`, give or take a half.
        public var backoff: Duration
        /// The longest wait before connecting again.
        public var maximumBackoff: Duration

        /// Chooses times; the defaults suit a service.
        public init(
            livenessInterval: Duration = .seconds(10),
            livenessDeadline: Duration = .seconds(5),
            backoff: Duration = .milliseconds(50),
            maximumBackoff: Duration = .seconds(5)
        ) {
            self.livenessInterval = livenessInterval
            self.livenessDeadline = livenessDeadline
            self.backoff = backoff
            self.maximumBackoff = maximumBackoff
        }
    }

    private let ear: ListenerThread

    /// Makes a listener; it connects when it runs.
    ///
    /// - Parameters:
    ///   - configuration: where to listen; not through a pooler in transaction mode, which forgets who listens.
    ///   - channels: the channels' names, plain identifiers.
    ///   - options: how it minds its connection.
    ///   - logger: told of each connection made and lost.
    /// - Throws: `PostgresError.invalidParameter` when a channel's name is no plain identifier.
    public init(
        _ configuration: ConnectionConfiguration,
        channels: [String],
        options: Options = .init(),
        logger: Logger
    ) throws {
        let channels = try channels.map { try SQLIdentifier(validating: $0) }
        ear = ListenerThread(configuration, channels, options, logger)
    }

    /// A flag that is raised whenever the channel is notified; a new one for each call, for one waiting task each.
    ///
    /// It is raised for as long as somebody holds it.
    public func signal(for channel: String) -> Wakeup {
        signal(for: [channel])
    }

    /// A flag that is raised whenever any of the channels is notified, as ``signal(for:)-(String)``.
    public func signal(for channels: [String]) -> Wakeup {
        ear.signal(for: channels)
    }

    /// Listens until the service group shuts down or the task is cancelled.
    public func run() async throws {
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await ear.run()
        } onCancelOrGracefulShutdown: {
            self.ear.stop()
        }
    }
}
