import Model
import Postgres
import ServiceKit
import ServiceLifecycle

/// Reads an inbox: on from a position, waiting for news where there is none, or back from the newest line.
struct ReadInbox: Sendable {
    /// What is asked for.
    enum Request: Sendable {
        /// The lines after a position, oldest first; waits up to `wait` for one.
        case after(InboxPosition, wait: Duration)
        /// The lines before a number, newest first; nil begins at the newest.
        case newest(before: Int64?)
    }

    /// What was read.
    struct Page: Sendable {
        /// The lines, in the order asked for.
        let items: [InboxItem]
        /// Where to go on to get what is newer.
        let cursor: InboxCursor
        /// Whether there are more lines in the direction asked for.
        let hasMore: Bool
        /// The counts at the time of reading.
        let state: InboxState
    }

    private let pool: ConnectionPool
    private let hub: StreamHub
    private let store = InboxStore()

    /// Reads through `pool`, and waits at `hub`.
    init(pool: ConnectionPool, hub: StreamHub) {
        self.pool = pool
        self.hub = hub
    }

    /// Reads at most `limit` lines.
    ///
    /// - Throws: ``ResyncReason`` when nothing follows from the position asked for.
    func callAsFunction(_ request: Request, of recipient: Recipient, owner: String, limit: Int) async throws -> Page {
        let page = try await read(request, of: recipient, limit: limit)
        guard case .after(_, let wait) = request, page.items.isEmpty, wait > .zero else { return page }
        try await self.wait(for: recipient, after: page.cursor, owner: owner, atMost: wait)
        return try await read(request, of: recipient, limit: limit)
    }

    private func read(_ request: Request, of recipient: Recipient, limit: Int) async throws -> Page {
        switch request {
        case .after(let position, _):
            let (state, items) = try await read(.after(position.seq), of: recipient, limit: limit)
            let start = try state.resume(from: position)
            let last = items.last?.seq ?? start
            return Page(
                items: items,
                cursor: InboxCursor(epoch: state.position.epoch, seq: last),
                hasMore: last < state.position.seq,
                state: state
            )
        case .newest(let before):
            let (state, items) = try await read(.before(before), of: recipient, limit: limit)
            return Page(
                items: items,
                cursor: state.position,
                hasMore: (items.last?.seq ?? 0) > (state.oldest ?? .max),
                state: state
            )
        }
    }

    private func read(
        _ stretch: InboxStore.Stretch,
        of recipient: Recipient,
        limit: Int
    ) async throws -> (state: InboxState, items: [InboxItem]) {
        try await pool.autocommit { try store.read(stretch, of: recipient, limit: limit, in: $0) }
    }

    private func wait(
        for recipient: Recipient,
        after cursor: InboxCursor,
        owner: String,
        atMost limit: Duration
    ) async throws {
        let stream = try hub.open(recipient, owner: owner, after: cursor, greeting: [], lifetime: limit)
        defer { hub.remove(stream) }
        hub.refill(stream)
        await withGracefulShutdownHandler {
            while await stream.next() == .heartbeat {}
        } onGracefulShutdown: {
            stream.close()
        }
    }
}
