import EventLog
import Logging
import Model
import Postgres

/// Erases what a service knows of somebody, in small transactions that remember how far they have got.
///
/// It goes through the orders or cases that are about them in rounds. What has not come to its end is needed yet: as long as there
/// is some, another round follows. Each round is a timer's, so it survives whatever crashes.
public struct EraseInRounds: Sendable {
    /// Something that is about the person.
    public struct Item: Sendable {
        /// Its id; items come in the order of their ids.
        public let id: AnyID
        /// Whether it has come to its end.
        public let isOver: Bool

        /// Something with that id.
        public init(id: AnyID, isOver: Bool) {
            self.id = id
            self.isOver = isOver
        }
    }

    /// What is about a person, and how it is erased.
    public protocol Subject: Sendable {
        /// What there is of them at that campus time, in the order of ids from the erasure's place on; nothing that came after they asked.
        func items(of erasure: Erasure, at now: Timestamp, limit: Int, in session: borrowing Session) throws -> [Item]
        /// Erases items that are over, at that campus time.
        func erase(_ items: [AnyID], for erasure: Erasure, at now: Timestamp, in session: borrowing Session) throws
        /// Until when something has to stay that money needs; nil when nothing is left.
        func keepsUntil(_ erasure: Erasure, in session: borrowing Session) throws -> Timestamp?
    }

    /// The kind of its timers.
    public static let timer = "party.erasure"
    /// How much one transaction looks at.
    private static let portion = 200
    /// When to look again at what has not come to its end.
    private static let pause = Duration.seconds(3_600)

    private enum Step {
        case unfinished
        case moot
        case waits(Erasure)
        case done(Erasure)
    }

    private let subject: any Subject
    private let store: ErasureStore
    private let timers: TimerStore
    private let pool: ConnectionPool
    private let directory: CampusDirectory
    private let logger: Logger

    /// Erases what one service knows.
    public init(
        _ subject: any Subject,
        owner: EventStream,
        pool: ConnectionPool,
        directory: CampusDirectory,
        logger: Logger
    ) {
        self.subject = subject
        store = ErasureStore(owner: owner)
        timers = TimerStore(owner: owner)
        self.pool = pool
        self.directory = directory
        self.logger = logger
    }

    /// The timer of the first round, due at once.
    public static func firstRound(of request: ErasureStore.CampusRequest) -> NewTimer {
        nextRound(of: request.request.id, in: request.campus, at: request.request.requestedAt)
    }

    /// The timer of a request's next round.
    static func nextRound(of request: ErasureID, in campus: CampusID, at time: Timestamp) -> NewTimer {
        NewTimer(kind: timer, subject: request.retyped(), campus: campus, dueAt: time)
    }

    /// Does a round.
    public func callAsFunction(_ due: DueTimer) async throws {
        guard let campus = try await directory.campus(due.campus) else { throw UnknownCampusOfErasure() }
        let now = try await directory.now(in: campus)
        var step = Step.unfinished
        while case .unfinished = step {
            step = try await pool.transaction { try self.step(due, at: now, in: $0) }
        }
        var logger = logger
        logger[.campus] = campus.code
        switch step {
        case .unfinished, .moot: break
        case .waits(let erasure):
            logger.record(.erasureWaits, [.erasureID: .id(erasure.id), .count: .integer(erasure.waiting)])
        case .done(let erasure):
            logger.record(.erasureDone, [.erasureID: .id(erasure.id), .count: .integer(erasure.erased)])
        }
    }

    private func step(_ due: DueTimer, at now: Timestamp, in session: borrowing Session) throws -> Step {
        guard var erasure = try store.lock(due.subject.retyped(), in: due.campus, session: session) else {
            _ = try timers.consume(due, in: session)
            return .moot
        }
        if erasure.place == Erasure.start { (erasure.erased, erasure.waiting) = (0, 0) }
        let items = try subject.items(of: erasure, at: now, limit: Self.portion, in: session)
        let over = items.filter(\.isOver).map(\.id)
        if !over.isEmpty { try subject.erase(over, for: erasure, at: now, in: session) }
        erasure.erased += Int64(over.count)
        erasure.waiting += Int64(items.count - over.count)
        // What has come to light since makes a request that was done an open one again.
        if erasure.waiting > 0 { erasure.doneAt = nil }
        if items.count == Self.portion, let last = items.last {
            erasure.place = last.id
            try store.save(erasure, in: session)
            return .unfinished
        }
        guard try timers.consume(due, in: session) else { return .moot }
        erasure.place = Erasure.start
        erasure.keepsUntil = try subject.keepsUntil(erasure, in: session)
        let isDone = erasure.waiting == 0
        if isDone { erasure.doneAt = erasure.doneAt ?? now }
        try store.save(erasure, in: session)
        if let next = isDone ? erasure.keepsUntil : now + Self.pause {
            try timers.arm([Self.nextRound(of: erasure.id, in: due.campus, at: next)], in: session)
        }
        return isDone ? .done(erasure) : .waits(erasure)
    }
}

/// An erasure of a campus that is not there.
struct UnknownCampusOfErasure: Error {}
