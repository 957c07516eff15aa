import Foundation
import Postgres
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A TCP proxy in front of a database that can be told to misbehave as networks do.
///
/// What it is told holds for the connections it has and for new ones.
public final class HalfOpenProxy: Sendable {
    /// What becomes of the bytes.
    public enum Behaviour: Sendable, Equatable {
        /// They arrive.
        case forward
        /// They vanish in both directions, and both ends believe the connection alive: a dead link.
        case blackHole
        /// What the client says arrives; what the server answers vanishes.
        case loseAnswers
        /// What the client says arrives; when the server answers, the connection is cut instead.
        case cutAtAnswer
        /// Answers arrive this much later.
        case delayAnswers(Duration)
    }

    private struct State {
        var behaviour = Behaviour.forward
        var descriptors: Set<Int32> = []
        var isClosed = false
        var accepted = 0
        var questions = 0
    }

    private let listener: ListeningSocket
    private let target: String
    private let state = Mutex(State())

    /// The port that it listens on at 127.0.0.1.
    public var port: Int { listener.port }

    /// How many connections it has accepted since it was made.
    public var acceptedCount: Int { state.withLock { $0.accepted } }

    /// How often a client has spoken up: once for each round trip, for a client that waits for its answer before it goes on.
    public var roundTripCount: Int { state.withLock { $0.questions } }

    private init(target: String) throws {
        self.target = target
        listener = try ListeningSocket()
    }

    /// Runs a proxy in front of a test's database for `body`.
    ///
    /// - Throws: what `body` throws.
    public static func with<Value>(
        _ database: TestDatabase,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (HalfOpenProxy) async throws -> Value
    ) async throws -> Value {
        let proxy = try HalfOpenProxy(target: database.socketPath)
        Thread.detachNewThread { proxy.acceptAll() }
        defer { proxy.close() }
        return try await body(proxy)
    }

    /// How to connect to a database through it.
    public func url(_ database: TestDatabase, as role: TestRole = .superuser) -> String {
        "postgresql://\(role.rawValue)@127.0.0.1:\(port)/\(database.name)"
    }

    /// How to connect to a database through it, with deadlines that suit a test.
    ///
    /// - Throws: never in practice.
    public func configuration(
        _ database: TestDatabase,
        as role: TestRole = .superuser
    ) throws -> ConnectionConfiguration {
        var configuration = try ConnectionConfiguration(url: url(database, as: role))
        configuration.clientDeadline = .milliseconds(500)
        return configuration
    }

    /// Changes what becomes of the bytes from now on.
    public func behave(_ behaviour: Behaviour) {
        state.withLock { $0.behaviour = behaviour }
    }

    /// Cuts all connections that it has.
    public func cut() {
        for descriptor in state.withLock({ $0.descriptors }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    private func close() {
        state.withLock { $0.isClosed = true }
        cut()
        shutdown(listener.descriptor, Int32(SHUT_RDWR))
    }

    private func acceptAll() {
        while true {
            let client = accept(listener.descriptor, nil, nil)
            if client < 0 { return }
            guard let server = connectToSocket(at: target) else {
                closeSocket(client)
                continue
            }
            let isClosed = state.withLock { state in
                state.accepted += 1
                state.descriptors.formUnion([client, server])
                return state.isClosed
            }
            if isClosed { cut() }
            Thread.detachNewThread { self.carry(client, server) }
        }
    }

    /// Carries bytes both ways until either end is closed.
    private func carry(_ client: Int32, _ server: Int32) {
        var ends = [
            pollfd(fd: client, events: Int16(POLLIN), revents: 0),
            pollfd(fd: server, events: Int16(POLLIN), revents: 0),
        ]
        var isAnswered = true
        while poll(&ends, 2, -1) > 0 {
            if ends[0].revents != 0 {
                if isAnswered { state.withLock { $0.questions += 1 } }
                isAnswered = false
                if !pass(from: client, to: server, isAnswer: false) { break }
            }
            if ends[1].revents != 0 {
                isAnswered = true
                if !pass(from: server, to: client, isAnswer: true) { break }
            }
        }
        state.withLock { $0.descriptors.subtract([client, server]) }
        closeSocket(client)
        closeSocket(server)
    }

    /// Passes on what there is; false when the connection is to end.
    private func pass(from source: Int32, to destination: Int32, isAnswer: Bool) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(source, &buffer, buffer.count, 0)
        let behaviour = state.withLock { $0.behaviour }
        if count <= 0 {
            // A dead link carries no end of the connection either; the other end hears nothing until the proxy is cut.
            guard behaviour == .blackHole, !state.withLock({ $0.isClosed }) else { return false }
            return waitForCut(destination)
        }
        switch behaviour {
        case .forward: break
        case .blackHole: return true
        case .loseAnswers where isAnswer: return true
        case .cutAtAnswer where isAnswer: return false
        case .delayAnswers(let delay) where isAnswer: Thread.sleep(forTimeInterval: delay / .seconds(1))
        case .loseAnswers, .cutAtAnswer, .delayAnswers: break
        }
        return sendAll(buffer[..<count], to: destination)
    }

    private func waitForCut(_ descriptor: Int32) -> Bool {
        var end = pollfd(fd: descriptor, events: 0, revents: 0)
        while poll(&end, 1, -1) > 0, Int32(end.revents) & (POLLHUP | POLLERR | POLLNVAL) == 0 {}
        return false
    }

    private func sendAll(_ bytes: ArraySlice<UInt8>, to destination: Int32) -> Bool {
        var left = bytes
        while !left.isEmpty {
            let sent = left.withUnsafeBytes { send(destination, $0.baseAddress, $0.count, Self.quietly) }
            if sent <= 0 { return false }
            left = left.dropFirst(sent)
        }
        return true
    }

    #if canImport(Darwin)
    private static let quietly: Int32 = 0
    #else
    private static let quietly = Int32(MSG_NOSIGNAL)
    #endif
}

private func closeSocket(_ descriptor: Int32) {
    close(descriptor)
}
