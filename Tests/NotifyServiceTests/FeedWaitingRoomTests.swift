import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog
@testable import NotifyService

@Suite("Where readers of the feed wait", .timeLimit(.minutes(5)))
struct FeedWaitingRoomTests {
    /// A log in memory, in which one thing happened, and which says who looked in it.
    private final class Log: Sendable {
        /// One look.
        struct Look: Hashable {
            let campuses: Set<CampusID>
            let position: FeedPosition
        }

        static let newest = position(20)

        let campus: CampusID
        let happened: FeedPosition
        let looks = Box<[Look]>([])
        /// Lets the first look come to its end.
        let mayEnd = Wakeup()

        /// Something happens in a campus, to be seen by who looks from before that tick.
        init(_ campus: CampusID, happens tick: Int64) {
            self.campus = campus
            happened = Self.position(tick)
        }

        static func position(_ tick: Int64) -> FeedPosition {
            FeedPosition(timeline: 1, tick: TickMark(number: tick, recordedAt: Samples.time))
        }

        func room() -> FeedWaitingRoom {
            let slots = StreamLimits().slots
            return FeedWaitingRoom(slots: slots, wakeup: Wakeup(), logger: .silent) { [self] campuses, position in
                let number = looks.update { looks in
                    looks.append(Look(campuses: campuses, position: position))
                    return looks.count
                }
                if number == 1 { _ = try await mayEnd.wait(atMost: .seconds(60)) }
                let isSeen = campuses.contains(campus) && position.isEarlier(than: happened)
                return FeedAdvance(campuses: isSeen ? [campus] : [], position: Self.newest)
            }
        }
    }

    private let here = CampusID.random()
    private let there = CampusID.random()

    private func running(_ room: FeedWaitingRoom, _ body: () async throws -> Void) async throws {
        let running = Task { try await room.run() }
        defer { running.cancel() }
        try await body()
    }

    private func isWoken(_ seat: FeedSeat, within limit: Duration = .seconds(60)) async throws -> Bool {
        try await seat.wait(until: .now + limit)
    }

    @Test(
        "Who enters while others are looked for is looked for next, from as far back as they stand",
        arguments: [(isSameCampus: false, tick: 5), (false, 10), (true, 5)] as [(isSameCampus: Bool, tick: Int64)]
    )
    func newcomer(isSameCampus: Bool, tick: Int64) async throws {
        let campus = isSameCampus ? here : there
        let log = Log(campus, happens: tick + 1)
        let room = log.room()
        let first = try room.enter(here, owner: "a", after: Log.position(10))
        try await running(room) {
            try await eventually("it looks") { log.looks.value.count == 1 }
            let second = try room.enter(campus, owner: "b", after: Log.position(tick))
            log.mayEnd.raise()
            #expect(try await isWoken(second))
            #expect(
                log.looks.value.prefix(2) == [
                    Log.Look(campuses: [here], position: Log.position(10)),
                    Log.Look(campuses: [here, campus], position: Log.position(tick)),
                ]
            )
            if !isSameCampus { #expect(try await !isWoken(first, within: .milliseconds(1))) }
            try await eventually("it goes on from where it has looked") {
                log.looks.value.last == Log.Look(campuses: [here, campus], position: Log.newest)
            }
            for seat in [first, second] { room.leave(seat) }
            #expect(room.waiting == 0)
        }
    }

    @Test("One look wakes everybody who waits for a campus")
    func together() async throws {
        let log = Log(here, happens: 11)
        log.mayEnd.raise()
        let room = log.room()
        let seats = try ["a", "b"].map { try room.enter(here, owner: $0, after: Log.position(10)) }
        try await running(room) {
            var woken = 0
            for seat in seats where try await isWoken(seat) { woken += 1 }
            #expect(woken == 2)
            #expect(log.looks.value.count { $0.position.isEarlier(than: log.happened) } == 1)
        }
    }
}
