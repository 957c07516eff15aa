import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport

@testable import CampusSimulator

/// The three services as real processes on a cluster of their own, with a test campus.
final class RunningPlatform: Sendable {
    /// One instance of a service: where it listens, and its present process.
    final class Instance: Sendable {
        let service: ServiceName
        let number: Int
        let port: Int
        fileprivate let processes: Mutex<[ServiceProcess]>

        fileprivate init(service: ServiceName, number: Int, port: Int, process: ServiceProcess) {
            self.service = service
            self.number = number
            self.port = port
            processes = Mutex([process])
        }

        /// The process that runs, or ran last.
        var process: ServiceProcess { processes.withLock { $0[$0.count - 1] } }
        /// Where it listens.
        var address: String { "http://127.0.0.1:\(port)" }
    }

    let cluster: TemporaryCluster
    let credentials: Credentials
    let instances: [Instance]
    /// Passwords and keys that it was set up with.
    let secrets: [String]
    private let environment: [ServiceName: [String: String]]
    private let logs: URL

    private init(
        cluster: TemporaryCluster,
        credentials: Credentials,
        instances: [Instance],
        secrets: [String],
        environment: [ServiceName: [String: String]],
        logs: URL
    ) {
        self.cluster = cluster
        self.credentials = credentials
        self.instances = instances
        self.secrets = secrets
        self.environment = environment
        self.logs = logs
    }

    /// Starts so many instances of each service for `body`, with these settings beyond what they need, and stops them afterwards.
    static func with<Value>(
        instances count: Int = 1,
        settings: [String: String] = [:],
        isolation: isolated (any _Concurrency.Actor)? = #isolation,
        _ body: (RunningPlatform) async throws -> Value
    ) async throws -> Value {
        let logs = FileManager.default.temporaryDirectory.appending(path: "campus-system-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: logs) }
        return try await TemporaryCluster.with(settings: ["max_connections=300", "fsync=off"]) { cluster in
            let operations = try await Operations.prepareDatabase(on: cluster)
            let environment = operations.environment(settings: settings)
            let platform = try await start(count, operations, environment, cluster: cluster, logs: logs)
            do {
                let value = try await body(platform)
                await platform.stop()
                return value
            } catch {
                await platform.stop()
                platform.keepLogs()
                throw error
            }
        }
    }

    private static func start(
        _ count: Int,
        _ operations: Operations,
        _ environment: [ServiceName: [String: String]],
        cluster: TemporaryCluster,
        logs: URL
    ) async throws -> RunningPlatform {
        var instances: [Instance] = []
        for service in ServiceName.allCases {
            for number in 1...count {
                let port = try FreePort.take()
                let process = try launch(service, number, port: port, environment[service] ?? [:], logs: logs)
                instances.append(Instance(service: service, number: number, port: port, process: process))
            }
        }
        func addresses(of service: ServiceName) -> [String] {
            instances.filter { $0.service == service }.map(\.address)
        }
        let credentials = try await operations.credentials(
            for: Credentials.Addresses(
                order: addresses(of: .order),
                afterSales: addresses(of: .afterSales),
                notify: addresses(of: .notify)
            )
        )
        let platform = RunningPlatform(
            cluster: cluster,
            credentials: credentials,
            instances: instances,
            secrets: operations.secrets,
            environment: environment,
            logs: logs
        )
        for instance in instances { try await platform.waitUntilReady(instance) }
        return platform
    }

    private static func launch(
        _ service: ServiceName,
        _ number: Int,
        port: Int,
        _ environment: [String: String],
        logs: URL
    ) throws -> ServiceProcess {
        try ServiceProcess(
            service.rawValue,
            ["serve"],
            environment: environment.merging(["HTTP_HOST": "127.0.0.1", "HTTP_PORT": "\(port)"]) { $1 },
            logs: logs,
            name: "\(service.rawValue)-\(number)"
        )
    }

    /// The first instance of a service.
    func instance(of service: ServiceName) throws -> Instance {
        guard let instance = instances.first(where: { $0.service == service }) else {
            throw NeverHappened(what: "\(service.rawValue) was started")
        }
        return instance
    }

    /// Starts an instance again after its process has ended, at the same port.
    func restart(_ instance: Instance) throws {
        let process = try Self.launch(
            instance.service,
            instance.number,
            port: instance.port,
            environment[instance.service] ?? [:],
            logs: logs
        )
        instance.processes.withLock { $0.append(process) }
    }

    /// The status that an instance answers a probe with; nil when it does not answer.
    func probe(_ instance: Instance, _ path: String) async -> Int? {
        let request = HTTPClientRequest(url: instance.address + path)
        let answer = try? await HTTPClient.shared.execute(request, timeout: .seconds(5))
        return answer.map { Int($0.status.code) }
    }

    /// Waits until an instance says that it is ready.
    func waitUntilReady(_ instance: Instance) async throws {
        try await eventually("\(instance.service.rawValue) is ready", within: .seconds(60)) {
            if let status = instance.process.exitStatus {
                let words = (instance.process.complaints + instance.process.lines).suffix(5).joined(separator: "\n")
                throw NeverHappened(what: "\(instance.service.rawValue) runs; it ended with \(status):\n\(words)")
            }
            return await probe(instance, "/health/ready") == 200
        }
    }

    /// Every line that any process wrote, with the file that it is in.
    func logLines() -> [(file: String, line: String)] {
        instances.flatMap { instance in
            instance.process.lines.map { (instance.process.output.lastPathComponent, $0) }
                + instance.process.complaints.map { (instance.process.errors.lastPathComponent, $0) }
        }
    }

    private func stop() async {
        for instance in instances { instance.process.signal(SIGTERM) }
        for instance in instances where await instance.process.waitForExit(atMost: .seconds(15)) == nil {
            instance.process.signal(SIGKILL)
            _ = await instance.process.waitForExit(atMost: .seconds(5))
        }
    }

    /// What a failed test leaves to look at.
    private func keepLogs() {
        let folder = Repository.root.appending(path: ".local/failed-system-test")
        try? FileManager.default.removeItem(at: folder)
        try? FileManager.default.createDirectory(
            at: folder.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try? FileManager.default.copyItem(at: logs, to: folder)
    }
}
