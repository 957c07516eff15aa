import Model
import Testing

@testable import NotifyService

@Suite("How often and how long a delivery is tried")
struct RetryScheduleTests {
    @Test("Money is tried longest, orders shortest, a test once")
    func lengths() {
        func total(_ schedule: RetrySchedule) -> Duration { schedule.delays.reduce(.zero, +) }
        #expect(total(.money) > total(.afterSales))
        #expect(total(.afterSales) > total(.orders))
        #expect(total(.money) == .seconds(272_105))
        #expect(RetrySchedule(for: "webhook.test").attempts == 1)
    }

    @Test("Every event type has the schedule of what it is about", arguments: EventType.allCases)
    func byType(_ type: EventType) {
        let schedule = RetrySchedule(for: type.rawValue)
        if type.rawValue.hasPrefix("refund.") || type == .orderRefundDue || type == .compensationGranted {
            #expect(schedule == .money)
        } else if type.rawValue.hasPrefix("case.") {
            #expect(schedule == .afterSales)
        } else if type.rawValue.hasPrefix("order.") {
            #expect(schedule == .orders)
        }
    }

    @Test("An unknown type may be about money")
    func unknown() {
        #expect(RetrySchedule(for: "wallet.credited") == .money)
    }

    @Test("Waits grow, are moved by a fifth at most, and end")
    func waits() {
        let schedule = RetrySchedule.money
        for attempt in 1...schedule.delays.count {
            let step = schedule.delays[attempt - 1]
            #expect(schedule.delay(after: attempt, retryAfter: nil, random: 0) == step * 0.8)
            #expect(schedule.delay(after: attempt, retryAfter: nil, random: 0.5) == step)
            #expect(schedule.delay(after: attempt, retryAfter: nil, random: 0.999) ?? .zero <= step * 1.2)
        }
        #expect(schedule.delay(after: schedule.attempts, retryAfter: nil, random: 0) == nil)
        #expect(schedule.delay(after: 0, retryAfter: nil, random: 0) == nil)
    }

    @Test("Retry-After lengthens a wait up to an hour, and never shortens one")
    func retryAfter() {
        let schedule = RetrySchedule.money
        #expect(schedule.delay(after: 1, retryAfter: .seconds(90), random: 0.5) == .seconds(90))
        #expect(schedule.delay(after: 1, retryAfter: .seconds(1), random: 0.5) == .seconds(5))
        #expect(schedule.delay(after: 1, retryAfter: .seconds(1_000_000), random: 0.5) == .seconds(3_600))
        #expect(schedule.delay(after: schedule.attempts, retryAfter: .seconds(90), random: 0.5) == nil)
    }
}
