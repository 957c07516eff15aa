import EventLog
import Logging
import Model
import Postgres
import ServiceKit
import ServiceLifecycle
import Synchronization

/// Where readers of the feed wait for something to happen in their campus.
///
/// However many wait, one statement each few ticks says in which of their campuses something did. Readers of the others sleep on.
final class FeedWaitingRoom: Service, Sendable {
    /// Says which of these campuses have events after a position.
    typealias Look = @Sendable (Set<CampusID>, FeedPosition) async throws -> FeedAdvance

    private struct State {
        var seats: [CampusID: [FeedSeat]] = [:]
        /// Up to where was looked for everybody here; nil while nobody is.
        var looked: FeedPosition?
    }

    /// The shortest time between two looks: many ticks are closed in it when there is much to do.
    private static let pause = Duration.milliseconds(20)
    /// How long to wait for a notification before looking all the same.
    private static let poll = Duration.milliseconds(500)

    private let slots: Slots
    private let wakeup: Wakeup
    private let logger: Logger
    private let look: Look
    private let state = Mutex(State())

    /// A room.
    ///
    /// - Parameters:
    ///   - slots: how many may wait.
    ///   - wakeup: the signal of the streams that the feed shows.
    ///   - logger: where it logs.
    ///   - look: asks the log.
    init(slots: Slots, wakeup: Wakeup, logger: Logger, look: @escaping Look) {
        self.slots = slots
        self.wakeup = wakeup
        self.logger = logger
        self.look = look
    }

    /// How many wait.
    var waiting: Int { state.withLock { $0.seats.values.reduce(0) { $0 + $1.count } } }

    /// Takes a seat, to be left once.
    ///
    /// - Parameters:
    ///   - campus: whose events are waited for.
    ///   - owner: who waits, for the limit of each.
    ///   - position: up to where everything was read.
    /// - Returns: the seat.
    /// - Throws: when too many wait.
    func enter(
        _ campus: CampusID,
        owner: String,
        after position: FeedPosition
    ) throws(Slots.Refusal) -> FeedSeat {
        try slots.take(for: owner, in: campus)
        let seat = FeedSeat(campus: campus, owner: owner)
        state.withLock { state in
            state.seats[campus, default: []].append(seat)
            // What the others were looked for already, the newcomer may not know.
            if state.looked.map({ position.isEarlier(than: $0) }) ?? true { state.looked = position }
        }
        wakeup.raise()
        return seat
    }

    /// Leaves a seat.
    func leave(_ seat: FeedSeat) {
        state.withLock { state in
            state.seats[seat.campus]?.removeAll { $0 === seat }
            if state.seats[seat.campus]?.isEmpty == true { state.seats[seat.campus] = nil }
            if state.seats.isEmpty { state.looked = nil }
        }
        slots.giveBack(of: seat.owner, in: seat.campus)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    _ = try await self.wakeup.wait(atMost: Self.poll)
                    try await self.lookAround()
                    try await Task.sleep(for: Self.pause)
                } catch is CancellationError {
                    return
                } catch {
                    self.logger.record(.feedWakeFailed, error: error)
                    try? await Task.sleep(for: Self.poll)
                }
            }
        }
    }

    private func lookAround() async throws {
        let (campuses, position) = state.withLock { (Set($0.seats.keys), $0.looked) }
        guard let position else { return }
        let advance = try await look(campuses, position)
        let woken = state.withLock { state in
            // Unless somebody came in meanwhile who knows less, or whose campus was not looked at.
            if state.looked == position, campuses.isSuperset(of: state.seats.keys) { state.looked = advance.position }
            return advance.campuses.flatMap { state.seats[$0] ?? [] }
        }
        for seat in woken { seat.wake() }
    }
}

/// A place to wait for events of one campus.
final class FeedSeat: Sendable {
    /// Whose events.
    let campus: CampusID
    /// Who waits.
    let owner: String
    private let wakeup = Wakeup()
    private let isClosed = Atomic(false)

    /// A seat.
    init(campus: CampusID, owner: String) {
        self.campus = campus
        self.owner = owner
    }

    /// Says that something happened.
    func wake() {
        wakeup.raise()
    }

    /// Ends the wait, because the service shuts down.
    func close() {
        isClosed.store(true, ordering: .relaxed)
        wakeup.raise()
    }

    /// Waits until something happened; false when the time is up, or the seat closed.
    func wait(until deadline: ContinuousClock.Instant) async throws -> Bool {
        // However often it is woken, it does not wait for longer.
        let left = deadline - .now
        guard left > .zero, try await wakeup.wait(atMost: left) else { return false }
        return !isClosed.load(ordering: .relaxed)
    }
}
