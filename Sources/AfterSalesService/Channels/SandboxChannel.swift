import Model
import Postgres

/// A pretend payment channel for development and test campuses, with a book of its own and faults to order.
///
/// It takes a refund on and confirms it a little later. It stands for a foreign system: each call is a transaction of
/// its own that knows nothing of ours. A ``SandboxMarker`` tells it to misbehave.
struct SandboxChannel: RefundChannel {
    private let pool: ConnectionPool
    private let confirmDelay: Duration
    private let slowness: Duration
    private let lateness: Duration
    private let clock: any WallClock
    private let book = SandboxBookStore()

    /// A channel whose book lies in that database.
    ///
    /// - Parameters:
    ///   - pool: connections to it.
    ///   - confirmDelay: how long after it took a refund on the refund is through.
    ///   - slowness: how long it thinks where it is told to be slow.
    ///   - lateness: how long after it took a refund on the refund is through where it is told to be late.
    ///   - clock: its own clock, not the campus's.
    init(
        pool: ConnectionPool,
        confirmDelay: Duration = .milliseconds(300),
        slowness: Duration = .seconds(3),
        lateness: Duration = .seconds(5),
        clock: any WallClock = SystemWallClock()
    ) {
        self.pool = pool
        self.confirmDelay = confirmDelay
        self.slowness = slowness
        self.lateness = lateness
        self.clock = clock
    }

    func submit(_ instruction: RefundInstruction) async throws -> ChannelReport? {
        let marker = SandboxMarker(for: instruction)
        if marker == .slow { try await Task.sleep(for: slowness) }
        let now = clock.now()
        let confirmsAt = now + (marker == .late ? lateness : confirmDelay)
        let entry = try await pool.transaction { [book] session in
            try book.enter(instruction, marker: marker, at: now, confirmsAt: confirmsAt, in: session)
        }
        guard let report = report(entry, on: instruction, at: now),
            marker != .loseAnswer || entry.submissions > 1
        else { throw SandboxAnswerLost() }
        return report
    }

    func query(_ instruction: RefundInstruction) async throws -> ChannelReport? {
        let now = clock.now()
        let entry = try await pool.transaction { [book] session in try book.find(instruction, in: session) }
        return entry.flatMap { report($0, on: instruction, at: now) }
    }

    private func report(_ entry: SandboxEntry, on instruction: RefundInstruction, at now: Timestamp) -> ChannelReport? {
        entry.report(
            at: now,
            number: "SB\(instruction.outRefundNumber)",
            refusal: SandboxMarker.code(in: instruction.payment.transactionID)
        )
    }
}

/// The sandbox was told to lose its answer.
struct SandboxAnswerLost: Error {}
