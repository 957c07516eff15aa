import EventLog
import Model
import Postgres
import ServiceKit
import ServiceLifecycle

/// Reads a campus's events on from a position, waiting for some where there are none.
struct ReadFeed: Sendable {
    /// Where to start.
    enum Start: Hashable, Sendable {
        /// At the oldest event that is kept.
        case oldest
        /// After the newest event.
        case latest
        /// Where an earlier page ended.
        case after(FeedPosition)
    }

    /// Who reads what.
    struct Request: Sendable {
        /// Whose events.
        let campus: CampusID
        /// Who reads, for the limit of waiting requests of each.
        let owner: String
        /// Where to start.
        let start: Start
        /// Which events.
        let filter: FeedFilter
        /// The most events.
        let limit: Int
        /// How long to wait for one.
        let wait: Duration
    }

    /// The streams of the log that platforms see: what these services tell each other of inboxes is not among it.
    static let streams: [EventStream] = [.orders, .afterSales]

    /// How far one request looks for events that fit its filter before it answers with none.
    private static let mostPages = 20
    /// How long a reader that was woken for events it does not want sleeps before it looks again.
    private static let pauseAfterNothing = Duration.milliseconds(100)

    private let pool: ConnectionPool
    private let room: FeedWaitingRoom
    private let reader = FeedReader(streams: streams)

    /// Reads through `pool`, and waits in `room`.
    init(pool: ConnectionPool, room: FeedWaitingRoom) {
        self.pool = pool
        self.room = room
    }

    /// Reads a page.
    ///
    /// - Throws: ``FeedPositionLost``, or ``Slots/Refusal`` when too many wait.
    func callAsFunction(_ request: Request) async throws -> FeedPage {
        let deadline = ContinuousClock.now + request.wait
        let page = try await read(request, from: request.start)
        guard page.events.isEmpty, page.isAtEnd, request.wait > .zero else { return page }
        let seat = try room.enter(request.campus, owner: request.owner, after: page.next)
        defer { room.leave(seat) }
        return try await withGracefulShutdownHandler {
            try await wait(in: seat, until: deadline, after: page, for: request)
        } onGracefulShutdown: {
            seat.close()
        }
    }

    private func wait(
        in seat: FeedSeat,
        until deadline: ContinuousClock.Instant,
        after page: FeedPage,
        for request: Request
    ) async throws -> FeedPage {
        var page = page
        while try await seat.wait(until: deadline) {
            page = try await read(request, from: .after(page.next))
            if !page.events.isEmpty { break }
            try await Task.sleep(for: Self.pauseAfterNothing)
        }
        return page
    }

    private func read(_ request: Request, from start: Start) async throws -> FeedPage {
        try await pool.autocommit { session in
            let position =
                switch start {
                case .oldest: try reader.oldest(in: session)
                case .latest: try reader.newest(in: session)
                case .after(let position): position
                }
            var page = try self.page(of: request, after: position, in: session)
            for _ in 1..<Self.mostPages where page.events.isEmpty && !page.isAtEnd {
                page = try self.page(of: request, after: page.next, in: session)
            }
            return page
        }
    }

    private func page(
        of request: Request,
        after position: FeedPosition,
        in session: borrowing Session
    ) throws -> FeedPage {
        try reader.read(
            after: position,
            campus: request.campus,
            matching: request.filter,
            limit: request.limit,
            in: session
        )
    }
}
