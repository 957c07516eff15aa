import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// One of the services as a process of its own, on a port of its own.
struct RunningService: Sendable {
    let process: Int32
    let url: String

    /// Starts the executable on the database, waits until it is ready, runs `body` and stops it.
    ///
    /// Nobody is limited unless `rateLimit` says how much a key may ask in a second, and a campus with it.
    static func running<T>(
        _ name: String,
        on database: BenchDatabase,
        port: Int,
        rateLimit: Int = 1_000_000,
        _ body: (RunningService) async throws -> T
    ) async throws -> T {
        let login =
            ["OrderService": "order_service", "AfterSalesService": "after_sales_service"][name] ?? "notify_service"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(database.bench.executables)/\(name)")
        process.arguments = ["serve"]
        process.environment = ProcessInfo.processInfo.environment.merging([
            "DATABASE_URL": database.address(user: login).url,
            "HTTP_PORT": "\(port)",
            "ALLOW_LOOPBACK_WEBHOOKS": "true",
            // One key asks for a whole campus here: the limits are counted as ever.
            "KEY_RATE_LIMIT": "\(rateLimit)",
            "USER_RATE_LIMIT": "\(rateLimit)",
            "CAMPUS_RATE_LIMIT": "\(rateLimit)",
            "NOTIFY_ENCRYPTION_KEY": Data(repeating: 7, count: 32).base64EncodedString(),
            "CONTACT_KEYS": "k1:\(Data(repeating: 7, count: 32).base64EncodedString())",
        ]) { $1 }
        let log = "\(database.bench.logs)/\(name).log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardOutput = FileHandle(forWritingAtPath: log)
        process.standardError = process.standardOutput
        try process.runWithSignals()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        let service = RunningService(process: process.processIdentifier, url: "http://127.0.0.1:\(port)")
        try await until(deadline: .seconds(15)) {
            let request = HTTPClientRequest(url: service.url + "/health/ready")
            let answer = try? await HTTPClient.shared.execute(request, timeout: .seconds(2))
            return answer?.status == .ok
        }
        return try await body(service)
    }
}
