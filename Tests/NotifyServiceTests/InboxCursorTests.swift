import Testing

@testable import NotifyService

@Suite("Places in an inbox")
struct InboxCursorTests {
    let current = InboxCursor(epoch: 3, seq: 40)

    @Test("A cursor reads what it writes")
    func roundTrip() {
        let cursor = InboxCursor(epoch: 7, seq: 9_223_372_036_854_775_807)
        #expect(InboxPosition(cursor.text) == .cursor(cursor))
        #expect(InboxPosition("12") == .number(12))
        #expect(InboxPosition("0") == .number(0))
    }

    @Test(
        "What is no position is refused",
        arguments: [
            "", "-", "1-", "-1", "1-2-3", "a", "1-b", " 1", "+1", "1.5", "９", "99999999999999999999", "1-\u{0}",
        ]
    )
    func malformed(_ text: String) {
        #expect(InboxPosition(text) == nil)
    }

    @Test("The position within the present epoch is resumed exactly")
    func resumed() throws {
        #expect(try InboxPosition.cursor(InboxCursor(epoch: 3, seq: 39)).resume(against: current) == 39)
        #expect(try InboxPosition.cursor(current).resume(against: current) == 40)
        #expect(try InboxPosition.number(0).resume(against: current) == 0)
    }

    @Test("Another epoch or a number not yet given is no place to go on from")
    func foreign() {
        #expect(throws: ResyncReason.epoch) {
            try InboxPosition.cursor(InboxCursor(epoch: 2, seq: 39)).resume(against: current)
        }
        #expect(throws: ResyncReason.epoch) {
            try InboxPosition.cursor(InboxCursor(epoch: 4, seq: 1)).resume(against: current)
        }
        #expect(throws: ResyncReason.ahead) {
            try InboxPosition.cursor(InboxCursor(epoch: 3, seq: 41)).resume(against: current)
        }
        #expect(throws: ResyncReason.ahead) { try InboxPosition.number(41).resume(against: current) }
    }
}
