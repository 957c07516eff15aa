import AsyncHTTPClient
import NIOCore

/// The three services of one campus, and whose key opens them.
struct CampusAccess: Sendable {
    let credentials: Credentials
    let order: ServiceClient
    let afterSales: ServiceClient
    let notify: ServiceClient
    /// For event streams, which hold a connection each.
    let streams: HTTPClient
    let mishaps: Mishaps

    /// Access with these credentials; a service may be away for as long as `patience` before a request gives up.
    private init(credentials: Credentials, patience: Duration) {
        self.credentials = credentials
        let mishaps = Mishaps()
        self.mishaps = mishaps
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(5)
        // An instance that is gone refuses at once: the request goes to the next one rather than to the same again.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.idleTimeout = .seconds(20)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        let http = HTTPClient(configuration: configuration)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 10_000
        streams = HTTPClient(configuration: configuration)
        func client(_ addresses: [String]) -> ServiceClient {
            ServiceClient(
                http: http,
                instances: Instances(addresses: addresses),
                platformKey: credentials.platformKey,
                patience: patience,
                mishaps: mishaps
            )
        }
        order = client(credentials.addresses.order)
        afterSales = client(credentials.addresses.afterSales)
        notify = client(credentials.addresses.notify)
    }

    /// Access for `body`, every connection of which is closed afterwards.
    static func with<Value: Sendable>(
        _ credentials: Credentials,
        patience: Duration = .seconds(60),
        _ body: @Sendable (CampusAccess) async throws -> Value
    ) async throws -> Value {
        let campus = CampusAccess(credentials: credentials, patience: patience)
        do {
            let value = try await body(campus)
            try await campus.shutdown()
            return value
        } catch {
            try? await campus.shutdown()
            throw error
        }
    }

    private func shutdown() async throws {
        try await order.http.shutdown()
        try await streams.shutdown()
    }
}
