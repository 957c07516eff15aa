import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

@Suite("Ticks")
struct TickerTests {
    @Test("A tick is closed when something was committed, and not otherwise")
    func closing() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            #expect(try await pool.tick() == 0)
            try await pool.append([example()])
            let first = try await pool.tick()
            #expect(first > 0)
            #expect(try await pool.tick() == 0)
            _ = try? await pool.transaction { session in
                try EventStore(stream: .orders).append([example()], in: session)
                throw CancellationError()
            }
            #expect(try await pool.tick() == 0, "what was rolled back is no event")
        }
    }

    @Test("What commits after a tick that began before it is in the next one")
    func lateCommit() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let others = try database.pool(as: .orderService, size: 2)
            let before = try await pool.autocommit { try TickStore().newest(in: $0).number }
            let early = AnyID.new()
            let late = AnyID.new()
            let (appended, isTicked) = (Wakeup(), Flag())
            async let slow: Void = others.transaction { session in
                try EventStore(stream: .orders).append([example(late)], in: session)
                appended.raise()
                try session.stayOpen(until: isTicked)
            }
            _ = try await appended.wait(atMost: .seconds(5))
            try await pool.append([example(early)])
            let first = try await pool.tick()
            isTicked.set()
            try await slow
            let second = try await pool.tick()
            #expect(first > 0 && second > first)
            let (firstRoots, secondRoots) = try await pool.transaction { session in
                (
                    try roots(after: before, in: session),
                    try roots(after: first, in: session)
                )
            }
            #expect(firstRoots == [early])
            #expect(secondRoots == [late])
        }
    }

    private func roots(after tick: Int64, in session: borrowing Session) throws -> [AnyID] {
        let ticks = TickStore()
        guard let window = try ticks.window(after: tick, maximumTicks: 1, in: session) else { return [] }
        return try ticks.events(
            ticks.between(window, [.orders], EventFilter(), atMost: 100),
            atMost: 100,
            in: session
        ).map(\.root)
    }

    @Test("While one session ticks, another does not wait for it")
    func contention() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let other = try database.pool(as: .notifyService)
            try await pool.append([example()])
            let (locked, isAsked) = (Wakeup(), Flag())
            async let holding: Void = pool.transaction { session in
                try session.execute("select pg_advisory_xact_lock(7301)")
                locked.raise()
                try session.stayOpen(until: isAsked)
            }
            _ = try await locked.wait(atMost: .seconds(5))
            #expect(try await other.tick() == -1)
            isAsked.set()
            try await holding
            #expect(try await other.tick() > 0)
        }
    }

    @Test("Only the channels of streams that moved are notified")
    func channels() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            let listener = try Listener(
                try database.configuration(as: .orderService),
                channels: EventStream.allCases.map(\.rawValue),
                logger: .silent
            )
            let orders = listener.signal(for: "orders")
            let afterSales = listener.signal(for: "after_sales")
            try await running([listener]) {
                // Each connection of a listener raises all signals once.
                _ = try await orders.wait(atMost: .seconds(5))
                _ = try await afterSales.wait(atMost: .seconds(5))
                try await pool.append([example()], to: .afterSales)
                let isNotified = try await afterSales.wait(atMost: .milliseconds(200))
                #expect(!isNotified, "appending notifies nobody")
                try await pool.tick()
                #expect(try await afterSales.wait(atMost: .seconds(5)))
                let isOtherNotified = try await orders.wait(atMost: .milliseconds(100))
                #expect(!isOtherNotified)
            }
        }
    }

    @Test("The ticker ticks by itself, and at once after a hint")
    func hints() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let ticker = Ticker(pool: pool, options: TickerOptions(idleGap: .seconds(30)), logger: .silent)
            try await running([ticker]) {
                try await pool.append([example()])
                let before = try await pool.number("select max(tick) from campus.tick")
                ticker.hint()
                try await eventually("the hinted tick", within: .seconds(30)) {
                    try await pool.number("select max(tick) from campus.tick") > before
                }
            }
        }
    }

    @Test("A hint that came while another process was ticking still stands when that one is done")
    func contendedHint() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let other = try database.pool(as: .notifyService)
            let options = TickerOptions(busyGap: .seconds(30), idleGap: .seconds(30))
            let ticker = Ticker(pool: try database.pool(as: .orderService, size: 1), options: options, logger: .silent)
            let locked = Wakeup()
            let isReleased = Flag()
            async let holding: Void = other.transaction { session in
                try session.execute("select pg_advisory_xact_lock(7301)")
                locked.raise()
                try session.stayOpen(until: isReleased)
            }
            _ = try await locked.wait(atMost: .seconds(10))
            let before = try await pool.number("select max(tick) from campus.tick")
            try await pool.append([example()])
            ticker.hint()
            try await running([ticker]) {
                try await eventually("it has tried") {
                    try await pool.number(
                        """
                        select count(*) from pg_stat_activity
                        where datname = current_database() and state = 'idle' and query = 'select campus.tick()'
                        """
                    ) == 1
                }
                isReleased.set()
                try await eventually("a tick is closed", within: .seconds(15)) {
                    try await pool.number("select max(tick) from campus.tick") > before
                }
            }
            try await holding
        }
    }

    @Test("A log restored from a dump into a younger cluster is noticed, not misread")
    func restored() async throws {
        try await withDatabase { database in
            let admin = try database.pool()
            try await admin.autocommit { session in
                try session.execute(
                    "update campus.tick set xid = '9999999999', snapshot = '9999999999:9999999999:'"
                )
            }
            await #expect(throws: PostgresError.self) { try await admin.tick() }
        }
    }
}
