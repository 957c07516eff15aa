import Testing

@testable import CampusSimulator

@Suite("A lunch's plan")
struct LunchPlanTests {
    @Test("The same seed plans the same lunch, another seed another one")
    func isDeterministic() {
        let plan = LunchPlan(count: 60, over: .seconds(20), seed: 7)
        #expect(plan == LunchPlan(count: 60, over: .seconds(20), seed: 7))
        #expect(plan != LunchPlan(count: 60, over: .seconds(20), seed: 8))
    }

    @Test("Every story is told, most orders go well, and the number is kept", arguments: [1, 5, 13, 40, 200, 1_000])
    func tellsEveryStory(count: Int) {
        let stories = LunchPlan.stories(count: count)
        #expect(stories.count == count)
        guard count >= 40 else { return }
        #expect(Set(stories) == Set(Story.allCases))
        #expect(stories.filter { $0 == .fine }.count * 2 > count)
    }

    @Test("Shares make a hundred")
    func sharesAddUp() {
        #expect(Story.allCases.reduce(0) { $0 + $1.share } == 100)
    }

    @Test("Orders start evenly, cost something, and no coupon is worth more than half the food")
    func ordersAreSensible() {
        let plan = LunchPlan(count: 200, over: .seconds(60), seed: 3)
        #expect(plan.orders.map(\.number) == Array(1...200))
        #expect(plan.orders[100].startsAfter == .seconds(30))
        for order in plan.orders {
            let gross = order.lines.reduce(0) { $0 + $1.dish.unitPriceFen * Int64($1.quantity) }
            #expect(gross > 0)
            #expect(order.couponFen * 2 <= gross)
            #expect(Set(order.lines.map(\.dish.sku)).count == order.lines.count)
            #expect((0..<plan.studentCount).contains(order.student))
            #expect((0..<plan.riderCount).contains(order.rider))
        }
    }
}
