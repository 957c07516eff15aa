import Logging
import Postgres
import Synchronization

/// A database of a test's own, for the test's time.
public final class TestDatabase: Sendable {
    /// The database's name.
    public let name: String
    private let cluster: SharedCluster
    private let pools = Mutex<[ConnectionPool]>([])

    init(name: String, cluster: SharedCluster) {
        self.name = name
        self.cluster = cluster
    }

    /// How a role connects to it.
    public func url(as role: TestRole = .superuser) -> String {
        cluster.url(database: name, role: role)
    }

    /// How a role connects to it.
    public func configuration(as role: TestRole = .superuser) throws -> ConnectionConfiguration {
        var configuration = try ConnectionConfiguration(url: url(as: role))
        configuration.applicationName = "test"
        return configuration
    }

    /// Connections for a role, ready to be used; closed when the test ends.
    public func pool(as role: TestRole = .superuser, size: Int = 4) throws -> ConnectionPool {
        try pool(configuration(as: role), PoolConfiguration(size: size, waitTimeout: .seconds(20)))
    }

    /// Connections made as told, ready to be used; closed when the test ends.
    public func pool(_ configuration: ConnectionConfiguration, _ limits: PoolConfiguration) -> ConnectionPool {
        let pool = ConnectionPool(configuration, pool: limits, logger: .silent)
        pools.withLock { $0.append(pool) }
        return pool
    }

    /// Where the cluster's socket is, for a proxy in front of it.
    public var socketPath: String { cluster.socketPath }

    func close() async {
        for pool in pools.withLock({ $0 }) { await pool.shutdown() }
    }
}

extension Logger {
    /// A logger that says nothing.
    public static var silent: Logger {
        Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    }
}
