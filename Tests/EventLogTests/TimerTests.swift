import Model
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import EventLog

@Suite("Timers")
struct TimerTests {
    private let store = TimerStore(owner: .orders)

    private func timer(
        _ subject: AnyID = .new(),
        kind: String = "payment_deadline",
        campus: CampusID = exampleCampus,
        in delay: Duration = .zero
    ) -> NewTimer {
        NewTimer(
            kind: kind,
            subject: subject,
            campus: campus,
            dueAt: SystemWallClock().now() + delay,
            payload: ["subject": .string(subject.description)]
        )
    }

    private func service(
        _ pool: ConnectionPool,
        concurrency: Int = 8,
        lease: Duration = .seconds(5),
        backoff: Backoff = Backoff(first: .milliseconds(50), longest: .milliseconds(50)),
        fire: @escaping TimerService.Handler
    ) -> TimerService {
        TimerService(
            owner: .orders,
            pool: pool,
            concurrency: concurrency,
            lease: lease,
            backoff: backoff,
            poll: .milliseconds(20),
            logger: .silent,
            fire: fire
        )
    }

    /// A handler as services write them: locks the subject, consumes the timer, notes its effect.
    private func handler(_ pool: ConnectionPool) -> TimerService.Handler {
        { timer in
            try await pool.transaction { session in
                try session.execute("select from public.subject where id = \(timer.subject) for update")
                guard try TimerStore(owner: .orders).consume(timer, in: session) else { return }
                try session.execute(
                    "insert into public.effect (consumer, root, member) values ('timer', \(timer.subject), \(timer.kind))"
                )
            }
        }
    }

    @Test("A timer fires once, at its time and not before, however many instances there are")
    func once() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService, size: 8)
            let due = (0..<300).map { _ in timer() }
            let later = timer(in: .seconds(3600))
            let soon = timer(in: .milliseconds(400))
            try await pool.transaction { try store.arm(due + [later, soon], in: $0) }
            let services = (0..<3).map { _ in service(pool, fire: handler(pool)) }
            try await running(services) {
                try await eventually("all due ones fired") { try await effects.count(by: "timer") >= 300 }
                let early = try await effects.all(by: "timer").contains { $0.root == soon.subject }
                #expect(!early || SystemWallClock().now() >= soon.dueAt)
                try await eventually("the next one too") { try await effects.count(by: "timer") == 301 }
            }
            let fired = try await effects.all(by: "timer").map(\.root)
            #expect(Set(fired) == Set((due + [soon]).map(\.subject)))
            #expect(fired.count == 301)
            #expect(try await pool.number("select count(*) from campus.orders_timer") == 1)
        }
    }

    @Test("A timer outlives who took it and was lost")
    func lostInstance() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let armed = timer()
            try await pool.transaction { try store.arm([armed], in: $0) }
            // An instance takes it and is gone before it fires.
            let taken = try await pool.transaction { try store.claimDue(atMost: 10, for: .seconds(60), in: $0) }
            #expect(taken.map(\.subject) == [armed.subject])
            #expect(try await pool.transaction { try store.claimDue(atMost: 10, for: .seconds(5), in: $0) }.isEmpty)
            // Its lease runs out.
            try await pool.autocommit { session in
                try session.execute("update campus.orders_timer set claimed_until = now()")
            }
            try await running([service(pool, fire: handler(pool))]) {
                try await eventually("another instance fires it") { try await effects.count(by: "timer") == 1 }
            }
            // The lost one comes back and finds it moot.
            let late = try #require(taken.first)
            #expect(try await !pool.transaction { try store.consume(late, in: $0) })
        }
    }

    @Test("Cancelling makes a timer moot, also when it is being fired; arming it anew makes the old one moot")
    func cancellation() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let timers = (0..<4).map { _ in timer() }
            let other = timer(timers[2].subject, kind: "auto_complete")
            try await pool.transaction { try store.arm(timers + [other], in: $0) }
            let due = try await pool.transaction { try store.claimDue(atMost: 10, for: .seconds(5), in: $0) }
            #expect(due.count == 5)
            let moved = NewTimer(
                kind: timers[3].kind,
                subject: timers[3].subject,
                campus: exampleCampus,
                dueAt: timers[3].dueAt + .seconds(60)
            )
            try await pool.transaction { session in
                #expect(try store.cancel(kind: "payment_deadline", subject: timers[0].subject, in: session))
                #expect(try !store.cancel(kind: "auto_complete", subject: timers[0].subject, in: session))
                #expect(
                    try store.cancel(kind: "payment_deadline", subjects: [timers[1].subject, .new()], in: session) == 1
                )
                #expect(try store.cancelAll(subject: timers[2].subject, in: session) == 2)
                try store.arm([moved], in: session)
            }
            for timer in due {
                #expect(try await !pool.transaction { try store.consume(timer, in: $0) }, "\(timer.kind)")
            }
            #expect(try await pool.number("select count(*) from campus.orders_timer") == 1)
        }
    }

    @Test("Timers follow the clock of their campus")
    func campusClock() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let test = CampusID(high: 2, low: 2)
            try await database.pool().transaction { session in
                try session.execute(
                    """
                    insert into campus.campus (id, code, name, timezone, is_test) values (\(test), 'test', 'Test', 'Asia/Shanghai', true)
                    """
                )
            }
            let ahead = timer(campus: test, in: .seconds(1800))
            let far = timer(campus: test, in: .seconds(7200))
            let real = timer(in: .seconds(1800))
            let due = timer(campus: test)
            try await pool.transaction { try store.arm([due, ahead, far, real], in: $0) }
            let service = service(pool, fire: handler(pool))
            try await running([service]) {
                try await eventually("what is due fires") { try await effects.count(by: "timer") == 1 }
                try await pool.transaction { session in
                    try session.execute(
                        """
                        insert into campus.campus_clock (campus_id, clock_offset) values (\(test), interval '1 hour')
                        on conflict (campus_id) do update set clock_offset = excluded.clock_offset
                        """
                    )
                }
                service.hint()
                try await eventually("the timer of the test campus fires") { try await effects.count(by: "timer") == 2 }
            }
            #expect(try await effects.all(by: "timer").map(\.root) == [due.subject, ahead.subject])
        }
    }

    @Test("A handler that fails is tried again and keeps no other waiting")
    func failingHandler() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let bad = (0..<20).map { _ in timer(kind: "bad") }
            let good = (0..<20).map { _ in timer(kind: "good", in: .milliseconds(1)) }
            try await pool.transaction { try store.arm(bad + good, in: $0) }
            let failures = Counter()
            let handle = handler(pool)
            let service = service(pool) { timer in
                if timer.kind == "bad", try await effects.count(by: "timer") < 20 {
                    failures.add(1)
                    throw EventLogError.overloaded
                }
                try await handle(timer)
            }
            try await running([service]) {
                try await eventually("all fired") { try await effects.count(by: "timer") == 40 }
            }
            let order = try await effects.all(by: "timer").map(\.member)
            #expect(order.prefix(20).allSatisfy { $0 == "good" })
            #expect(failures.value >= 8, "bad ones were tried before, and while, good ones fired")
        }
    }

    @Test("A handler that hangs keeps its own place only, also past its lease")
    func hangingHandler() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let hanging = timer(kind: "hanging", in: .seconds(-1))
            try await pool.transaction { try store.arm([hanging] + (0..<50).map { _ in timer() }, in: $0) }
            let released = Wakeup()
            let hung = Counter()
            let handle = handler(pool)
            let service = service(pool, concurrency: 2, lease: .milliseconds(100)) { timer in
                if timer.kind == "hanging" {
                    hung.add(1)
                    _ = try await released.wait(atMost: .seconds(60))
                }
                try await handle(timer)
            }
            try await running([service]) {
                try await eventually("the others fire") { try await effects.count(by: "timer") == 50 }
                try await eventually("it is due again, for its lease has run out") {
                    try await pool.number("select max(attempt) from campus.orders_timer") > 2
                }
                try await pool.transaction { try store.arm((0..<5).map { _ in timer() }, in: $0) }
                try await eventually("and later ones") { try await effects.count(by: "timer") == 55 }
                #expect(hung.value == 1)
                released.raise()
                try await eventually("it fires at last") { try await effects.count(by: "timer") == 56 }
            }
        }
    }

    @Test("That the database was not there does not make a timer wait longer each time")
    func hindered() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            try await pool.transaction { try store.arm([timer()], in: $0) }
            let attempts = Locked<[Int]>([])
            let handle = handler(pool)
            let backoff = Backoff(first: .milliseconds(20), longest: .seconds(600))
            let service = service(pool, backoff: backoff) { timer in
                let number = attempts.withLock { attempts in
                    attempts.append(timer.attempt)
                    return attempts.count
                }
                if number <= 15 { throw PostgresError.poolExhausted(retryAfter: .seconds(1)) }
                try await handle(timer)
            }
            try await running([service]) {
                try await eventually("it fires") { try await effects.count(by: "timer") == 1 }
            }
            #expect(attempts.withLock { $0 } == Array(repeating: 1, count: 16))
        }
    }

    @Test("Timers outlive restarts of the server, by order and by crash, and of the service", .timeLimit(.minutes(5)))
    func restarts() async throws {
        try await withRestartableCluster { cluster, _, pool in
            let arming = pool(1)
            let effects = try await Effects.make(with: pool(1))
            var armed: [AnyID] = []
            func arm() async throws {
                // Some come due before the server is gone, some while it is, some after.
                let timers = (0..<30).map { timer(in: .milliseconds(100 * $0)) }
                try await arming.transaction { try store.arm(timers, in: $0) }
                armed += timers.map(\.subject)
            }
            try await arm()
            let firing = pool(4)
            try await running([service(firing, lease: .seconds(1), fire: handler(firing))]) {
                try await eventually("some fire") { try await effects.count(by: "timer") > 2 }
                try await cluster.stopImmediately()
                try await cluster.start()
                try await eventually("all fire", within: .seconds(60)) {
                    (try? await effects.count(by: "timer")) ?? 0 >= 30
                }
            }
            try await arm()
            try await cluster.stop()
            try await cluster.start()
            let next = pool(4)
            try await running([service(next, lease: .seconds(1), fire: handler(next))]) {
                try await eventually("those armed before fire in the next service", within: .seconds(60)) {
                    (try? await effects.count(by: "timer")) ?? 0 >= 60
                }
            }
            let fired = try await effects.all(by: "timer").map(\.root)
            #expect(fired.count == 60)
            #expect(Set(fired) == Set(armed))
            #expect(try await effects.pool.number("select count(*) from campus.orders_timer") == 0)
        }
    }

    @Test("Commands and firing timers never deadlock, and each timer has one effect or was cancelled")
    func noDeadlocks() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService, size: 12)
            let subjects = (0..<20).map { _ in AnyID.new() }
            try await effects.pool.autocommit { session in
                try session.execute("insert into public.subject (id) select unnest(\(subjects))")
            }
            let cancelled = Counter()
            let armed = Counter()
            let deadlocks = Counter()
            let noRetry = TransactionOptions(retries: 0)
            let service = service(pool, lease: .milliseconds(200)) { timer in
                do {
                    try await pool.transaction(noRetry) { session in
                        try session.execute(
                            "update public.subject set version = version + 1 where id = \(timer.subject)"
                        )
                        guard try TimerStore(owner: .orders).consume(timer, in: session) else { return }
                        try session.execute(
                            "insert into public.effect (consumer, root) values ('timer', \(timer.subject))"
                        )
                    }
                } catch let error as PostgresError where error.sqlState == .deadlockDetected {
                    deadlocks.add(1)
                }
            }
            try await running([service]) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            for _ in 0..<100 {
                                let mine = subjects.shuffled().prefix(3).sorted()
                                do {
                                    let (taken, added) = try await pool.transaction(noRetry) { session in
                                        try session.execute(
                                            "select from public.subject where id = any (\(mine)) order by id for update"
                                        )
                                        let taken = try store.cancelAll(subjects: mine, in: session)
                                        try store.arm(mine.map { timer($0) }, in: session)
                                        return (taken, mine.count)
                                    }
                                    cancelled.add(taken)
                                    armed.add(added)
                                } catch let error as PostgresError where error.sqlState == .deadlockDetected {
                                    deadlocks.add(1)
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try await eventually("all are settled") {
                    try await pool.number("select count(*) from campus.orders_timer") == 0
                }
            }
            #expect(deadlocks.value == 0)
            #expect(
                try await effects.count(by: "timer") + cancelled.value
                    == armed.value
            )
            #expect(try await effects.count(by: "timer") > 0)
        }
    }
}
