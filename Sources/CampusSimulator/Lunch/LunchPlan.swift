/// One order as it is meant to go, before anything was sent.
struct OrderPlan: Sendable, Hashable {
    /// From 1, in the order in which they are placed.
    let number: Int
    let story: Story
    let student: Int
    let stall: Int
    let rider: Int
    let lines: [LinePlan]
    let deliveryFen: Int64
    let packagingFen: Int64
    /// A coupon on the whole order, 0 when there is none.
    let couponFen: Int64
    /// When it is placed, from the start of lunch.
    let startsAfter: Duration
    /// How long people take between one step and the next.
    let pace: Duration
}

/// One line of a planned order.
struct LinePlan: Sendable, Hashable {
    let dish: Dish
    let quantity: Int
}

/// A whole lunch, settled in advance: the same numbers and seed give the same plan.
struct LunchPlan: Sendable, Hashable {
    let orders: [OrderPlan]
    let studentCount: Int
    let riderCount: Int

    /// Plans `count` orders spread evenly over `duration`.
    ///
    /// - Parameters:
    ///   - count: How many orders, from 1.
    ///   - duration: From the first order to the last.
    ///   - seed: What tells this lunch from another.
    init(count: Int, over duration: Duration, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let students = max(1, min(count, (count * 2 + 4) / 5))
        let riders = max(1, min(10, count / 10))
        let stories = Self.stories(count: count).shuffled(using: &random)
        var orders: [OrderPlan] = []
        for (index, story) in stories.enumerated() {
            let stall = Int.random(in: Stall.all.indices, using: &random)
            let lines = Self.lines(of: Stall.all[stall], using: &random)
            let gross = lines.reduce(0) { $0 + $1.dish.unitPriceFen * Int64($1.quantity) }
            let hasCoupon = Int.random(in: 0..<4, using: &random) == 0
            orders.append(
                OrderPlan(
                    number: index + 1,
                    story: story,
                    student: Int.random(in: 0..<students, using: &random),
                    stall: stall,
                    rider: Int.random(in: 0..<riders, using: &random),
                    lines: lines,
                    deliveryFen: [0, 100, 150, 300].randomElement(using: &random) ?? 0,
                    packagingFen: Int64(50 * lines.count),
                    couponFen: hasCoupon ? min(gross / 2, [100, 333, 500].randomElement(using: &random) ?? 0) : 0,
                    startsAfter: duration * index / max(1, count),
                    pace: .milliseconds(Int.random(in: 150...700, using: &random))
                )
            )
        }
        self.orders = orders
        studentCount = students
        riderCount = riders
    }

    /// So many of each story as its share says, each at least once when there is room for all, `fine` taking the rest.
    static func stories(count: Int) -> [Story] {
        var stories: [Story] = []
        for story in Story.allCases where story != .fine {
            let wanted = max(1, count * story.share / 100)
            stories += Array(repeating: story, count: min(wanted, count - stories.count))
        }
        return stories + Array(repeating: .fine, count: count - stories.count)
    }

    private static func lines(of stall: Stall, using random: inout SeededGenerator) -> [LinePlan] {
        let count = Int.random(in: 1...min(3, stall.dishes.count), using: &random)
        return stall.dishes.shuffled(using: &random).prefix(count).map { dish in
            LinePlan(dish: dish, quantity: Int.random(in: 1...3, using: &random))
        }
    }
}
