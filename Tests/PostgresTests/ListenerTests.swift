import Logging
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@Suite("Listening")
struct ListenerTests {
    private let options = Listener.Options(
        livenessInterval: .milliseconds(300),
        livenessDeadline: .milliseconds(300),
        backoff: .milliseconds(20)
    )

    /// Runs a listener for `body`, within a service group, and shuts it down gracefully.
    private func listening(
        _ configuration: ConnectionConfiguration,
        _ channels: [String],
        _ body: (Listener) async throws -> Void
    ) async throws {
        let listener = try Listener(configuration, channels: channels, options: options, logger: .silent)
        let group = ServiceGroup(services: [listener], logger: .silent)
        let running = Task { try await group.run() }
        do {
            try await body(listener)
        } catch {
            await group.triggerGracefulShutdown()
            try await running.value
            throw error
        }
        let start = ContinuousClock.now
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(ContinuousClock.now - start < .seconds(1), "it stops promptly")
    }

    @Test("A notification raises the flags of its channel and no other")
    func raises() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await listening(database.configuration(), ["orders", "notifications"]) { listener in
                let orders = listener.signal(for: "orders")
                let alsoOrders = listener.signal(for: "orders")
                let others = listener.signal(for: "notifications")
                let either = listener.signal(for: ["orders", "notifications"])
                // Raised once when the server listens, so that what happened before is caught up with.
                for signal in [orders, alsoOrders, others, either] {
                    #expect(try await signal.wait(atMost: .seconds(5)))
                }
                for _ in 0..<3 {
                    try await pool.autocommit { try $0.execute("notify orders") }
                    #expect(try await orders.wait(atMost: .seconds(5)))
                    #expect(try await alsoOrders.wait(atMost: .seconds(5)))
                    #expect(try await either.wait(atMost: .seconds(5)))
                }
                #expect(try await !others.wait(atMost: .milliseconds(50)))
                try await pool.autocommit { try $0.execute("notify notifications") }
                #expect(try await either.wait(atMost: .seconds(5)))
            }
        }
    }

    @Test("When its backend is terminated it connects again, and raises all flags once it listens")
    func reconnects() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await listening(database.configuration(), ["orders"]) { listener in
                let signal = listener.signal(for: "orders")
                #expect(try await signal.wait(atMost: .seconds(5)))
                for _ in 0..<3 {
                    try await pool.killOthers()
                    // Nothing is notified: it is the new connection that raises the flag.
                    #expect(try await signal.wait(atMost: .seconds(5)))
                    try await pool.autocommit { try $0.execute("notify orders") }
                    #expect(try await signal.wait(atMost: .seconds(5)))
                }
            }
        }
    }

    @Test("On a dead link the sign of life stays out, and it connects again")
    func deadLink() async throws {
        try await withEmptyDatabase { database in
            try await HalfOpenProxy.with(database) { proxy in
                var configuration = try proxy.configuration(database)
                configuration.connectTimeout = .seconds(2)
                try await listening(configuration, ["orders"]) { listener in
                    let signal = listener.signal(for: "orders")
                    #expect(try await signal.wait(atMost: .seconds(5)))
                    let before = proxy.acceptedCount
                    proxy.behave(.blackHole)
                    try await eventually("it tries another connection") { proxy.acceptedCount > before }
                    proxy.behave(.forward)
                    #expect(try await signal.wait(atMost: .seconds(8)))
                }
            }
        }
    }

    @Test("It runs, and stops, while there is no server")
    func withoutServer() async throws {
        let configuration = try ConnectionConfiguration(url: "postgresql://127.0.0.1:1/none")
        try await listening(configuration, ["orders"]) { listener async throws in
            #expect(try await !listener.signal(for: "orders").wait(atMost: .milliseconds(200)))
        }
    }

    @Test("A channel's name that is no identifier is refused")
    func refusesNames() throws {
        let configuration = try ConnectionConfiguration(url: "postgresql://127.0.0.1:1/none")
        expectThrows(PostgresError.self) { try Listener(configuration, channels: ["a; drop"], logger: .silent) }
    }
}

@Suite("Wakeups")
struct WakeupTests {
    @Test("Raising twice is raising once, and waiting lowers the flag")
    func coalesces() async throws {
        let wakeup = Wakeup()
        wakeup.raise()
        wakeup.raise()
        #expect(try await wakeup.wait(atMost: .seconds(5)))
        #expect(try await !wakeup.wait(atMost: .milliseconds(10)))
    }

    @Test("Whoever waits is woken, and a wait that ends in vain takes as long as it may")
    func wakes() async throws {
        let wakeup = Wakeup()
        let start = ContinuousClock.now
        #expect(try await !wakeup.wait(atMost: .milliseconds(50)))
        #expect(ContinuousClock.now - start >= .milliseconds(50))
        let waiter = Task { try await wakeup.wait(atMost: .seconds(20)) }
        try await Task.sleep(for: .milliseconds(20))
        let raised = ContinuousClock.now
        wakeup.raise()
        #expect(try await waiter.value)
        #expect(ContinuousClock.now - raised < .seconds(5))
    }

    @Test("A cancelled wait throws, and the flag it did not see is there for the next")
    func cancels() async throws {
        let wakeup = Wakeup()
        let waiter = Task { try await wakeup.wait(atMost: .seconds(20)) }
        try await Task.sleep(for: .milliseconds(20))
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        wakeup.raise()
        #expect(try await wakeup.wait(atMost: .zero))
    }

    @Test("No wake-up is lost between many raises and waits")
    func losesNone() async throws {
        let wakeup = Wakeup()
        let done = Wakeup()
        let raiser = Task {
            for _ in 0..<2_000 {
                wakeup.raise()
                // Only a seen flag lets the next one be raised: a lost one stops here.
                guard try await done.wait(atMost: .seconds(10)) else { throw NeverHappened(what: "the flag was seen") }
            }
        }
        for _ in 0..<2_000 {
            #expect(try await wakeup.wait(atMost: .seconds(10)))
            done.raise()
        }
        try await raiser.value
    }
}
