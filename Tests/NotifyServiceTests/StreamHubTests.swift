import Model
import ServiceKit
import Synchronization
import TestSupport
import Testing

@testable import NotifyService

@Suite("The hub behind the streams")
struct StreamHubTests {
    let recipient = Recipient(campus: Samples.campus, kind: .customer, id: "stu_1")

    /// A hub over an inbox in memory, which counts how it is read.
    final class Desk: Sendable {
        let newest = Box<Int64>(0)
        let reads = Box(0)
        let asked = Box<[InboxPlace]>([])
        let epoch = Box<Int64>(1)

        func hub(_ limits: StreamLimits = StreamLimits()) -> StreamHub {
            StreamHub(limits: limits, logger: .silent) { [self] places, limit in
                reads.value += 1
                asked.update { $0 += places }
                return InboxLines(
                    epoch: epoch.value,
                    items: places.map { place in
                        let last = min(newest.value, place.seq + Int64(limit))
                        return place.seq < last ? ((place.seq + 1)...last).map(Self.item) : []
                    }
                )
            }
        }

        static func item(_ seq: Int64) -> InboxItem {
            InboxItem(seq: seq, eventID: seq, type: "order.paid", data: [:], occurredAt: Samples.time, isRead: false)
        }
    }

    func withHub(
        _ desk: Desk,
        _ limits: StreamLimits = StreamLimits(),
        _ body: (StreamHub) async throws -> Void
    ) async throws {
        let hub = desk.hub(limits)
        let running = Task { try await hub.run() }
        defer { running.cancel() }
        try await body(hub)
    }

    func open(_ hub: StreamHub, after seq: Int64 = 0, greeting: String = "") throws -> StreamSubscription {
        try hub.open(
            recipient,
            owner: "stu_1",
            after: InboxCursor(epoch: 1, seq: seq),
            greeting: Array(greeting.utf8),
            lifetime: .seconds(60)
        )
    }

    func numbers(_ stream: StreamSubscription, of hub: StreamHub, count: Int) async -> [Int64] {
        var parser = StreamParser()
        var numbers: [Int64] = []
        while numbers.count < count, case .write(let bytes) = await stream.next() {
            numbers += parser.consume(bytes).compactMap(\.seq)
            hub.refill(stream)
        }
        return numbers
    }

    @Test("A stream that is not told of a line it has, or that others got, is not read for")
    func hints() async throws {
        let desk = Desk()
        try await withHub(desk) { hub in
            desk.newest.value = 3
            let stream = try open(hub)
            hub.refill(stream)
            #expect(await numbers(stream, of: hub, count: 3) == [1, 2, 3])
            let reads = desk.reads.value
            hub.advance([InboxPlace(recipient: recipient, seq: 3)])
            hub.advance([InboxPlace(recipient: .desk(of: Samples.campus), seq: 9)])
            desk.newest.value = 4
            hub.advance([InboxPlace(recipient: recipient, seq: 4)])
            #expect(await numbers(stream, of: hub, count: 1) == [4])
            #expect(desk.reads.value == reads + 1)
        }
    }

    @Test("A client that does not read is not read for: at most one batch waits")
    func slowClient() async throws {
        var limits = StreamLimits()
        limits.batch = 10
        let desk = Desk()
        try await withHub(desk, limits) { hub in
            let stream = try open(hub, greeting: ":\n\n")
            desk.newest.value = 1_000
            for seq in 1...1_000 { hub.advance([InboxPlace(recipient: recipient, seq: Int64(seq))]) }
            // The greeting still waits, so nothing was read.
            #expect(desk.reads.value == 0)
            #expect(stream.seq == 0)
            #expect(await numbers(stream, of: hub, count: 1_000) == Array(1...1_000))
        }
    }

    @Test("Streams that stand at the same number are read for once")
    func shared() async throws {
        let desk = Desk()
        try await withHub(desk) { hub in
            let streams = try (0..<8).map { _ in try open(hub) }
            desk.newest.value = 2
            hub.advance([InboxPlace(recipient: recipient, seq: 2)])
            for stream in streams { #expect(await numbers(stream, of: hub, count: 2) == [1, 2]) }
            // What stands after 2 may be asked for as well, since a new stream never knows whether it is behind.
            #expect(desk.asked.value.filter { $0.seq == 0 }.count == 1)
        }
    }

    @Test("A change of the epoch ends the stream, so that its client comes back and is told")
    func epoch() async throws {
        let desk = Desk()
        try await withHub(desk) { hub in
            let stream = try open(hub)
            desk.epoch.value = 2
            desk.newest.value = 1
            hub.advance([InboxPlace(recipient: recipient, seq: 1)])
            #expect(await stream.next() == .end)
        }
    }

    @Test("A gap in the numbers ends the stream rather than being passed over")
    func gap() async throws {
        let hub = StreamHub(limits: StreamLimits(), logger: .silent) { places, _ in
            InboxLines(epoch: 1, items: places.map { [Desk.item($0.seq + 2)] })
        }
        let running = Task { try await hub.run() }
        defer { running.cancel() }
        let stream = try open(hub)
        hub.refill(stream)
        #expect(await stream.next() == .end)
    }

    @Test("A read that fails is made again, and nothing is lost")
    func failingReads() async throws {
        struct Away: Error {}
        let failures = Box(3)
        var limits = StreamLimits()
        limits.sweep = .milliseconds(10)
        let hub = StreamHub(limits: limits, logger: .silent) { places, _ in
            if failures.update({
                $0 -= 1
                return $0
            }) >= 0 {
                throw Away()
            }
            return InboxLines(epoch: 1, items: places.map { $0.seq == 0 ? [Desk.item(1)] : [] })
        }
        let running = Task { try await hub.run() }
        defer { running.cancel() }
        let stream = try open(hub)
        hub.refill(stream)
        #expect(await numbers(stream, of: hub, count: 1) == [1])
    }

    @Test("Cancelling the writer ends its wait, and removing a stream frees its place")
    func cancellation() async throws {
        var limits = StreamLimits()
        limits.perOwner = 1
        try await withHub(Desk(), limits) { hub in
            let stream = try open(hub)
            #expect(throws: Slots.Refusal.tooManyOfOwner(limit: 1)) { try open(hub) }
            let waiting = Task { await stream.next() }
            waiting.cancel()
            #expect(await waiting.value == .end)
            hub.remove(stream)
            hub.remove(stream)
            #expect(hub.openStreams == 0)
            _ = try open(hub)
        }
    }

    @Test("A stream whose client left before the answer began gives its place back")
    func neverWritten() async throws {
        var limits = StreamLimits()
        limits.writeTimeout = .milliseconds(100)
        limits.sweep = .milliseconds(10)
        try await withHub(Desk(), limits) { hub in
            _ = try open(hub, greeting: ":\n\n")
            #expect(hub.openStreams == 1)
            try await eventually("its place is free") { hub.openStreams == 0 }
        }
    }

    @Test("A writer that does not come back is broken off; one that waits is left alone")
    func stuckWriter() async throws {
        var limits = StreamLimits()
        limits.writeTimeout = .milliseconds(100)
        limits.sweep = .milliseconds(10)
        try await withHub(Desk(), limits) { hub in
            let cuts = Box(0)
            let idle = try open(hub)
            idle.begin { cuts.value += 100 }
            let waiting = Task { await idle.next() }
            let stuck = try open(hub, greeting: ":\n\n")
            stuck.begin { cuts.value += 1 }
            #expect(await stuck.next() == .write(Array(":\n\n".utf8)))
            try await eventually("the stuck one is broken off") { cuts.value > 0 && hub.openStreams == 1 }
            #expect(cuts.value == 1)
            hub.remove(idle)
            #expect(await waiting.value == .end)
        }
    }

    @Test("A line that cannot be shown ends the streams of its inbox; others read on")
    func unreadableLine() async throws {
        let others = (1...5).map { Recipient(campus: Samples.campus, kind: .customer, id: "other_\($0)") }
        let hub = StreamHub(limits: StreamLimits(), logger: .silent) { [recipient] places, _ in
            InboxLines(
                epoch: 1,
                items: places.map { place in
                    guard place.seq == 0 else { return [] }
                    let type = place.recipient == recipient ? "order\n.paid" : "order.paid"
                    return [
                        InboxItem(seq: 1, eventID: 1, type: type, data: [:], occurredAt: Samples.time, isRead: false)
                    ]
                }
            )
        }
        let broken = try open(hub)
        let streams = try others.map { other in
            try hub.open(
                other,
                owner: other.id,
                after: InboxCursor(epoch: 1, seq: 0),
                greeting: [],
                lifetime: .seconds(60)
            )
        }
        hub.advanceAll()
        let running = Task { try await hub.run() }
        defer { running.cancel() }
        for stream in streams { #expect(await numbers(stream, of: hub, count: 1) == [1]) }
        #expect(await broken.next() == .end)
    }
}
