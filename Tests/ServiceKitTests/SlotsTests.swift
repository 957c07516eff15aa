import Model
import ServiceKit
import Testing

@Suite("Slots")
struct SlotsTests {
    private let north = CampusID(high: 1, low: 1)
    private let south = CampusID(high: 1, low: 2)
    private let west = CampusID(high: 1, low: 3)

    @Test("The same name in two campuses is two owners")
    func owners() throws {
        let slots = Slots(perOwner: 2, total: 10)
        for _ in 0..<2 { try slots.take(for: "agent:kf_1", in: north) }
        #expect(throws: Slots.Refusal.tooManyOfOwner(limit: 2)) { try slots.take(for: "agent:kf_1", in: north) }
        for _ in 0..<2 { try slots.take(for: "agent:kf_1", in: south) }
        slots.giveBack(of: "agent:kf_1", in: south)
        #expect(throws: Slots.Refusal.tooManyOfOwner(limit: 2)) { try slots.take(for: "agent:kf_1", in: north) }
        try slots.take(for: "agent:kf_1", in: south)
    }

    @Test("However many owners a campus names, it leaves room to the others, until there is none at all")
    func campuses() throws {
        let slots = Slots(perOwner: 1, total: 8)
        for number in 0..<6 { try slots.take(for: "customer:stu_\(number)", in: north) }
        #expect(throws: Slots.Refusal.tooManyInCampus(limit: 6)) { try slots.take(for: "customer:stu_6", in: north) }
        for number in 0..<2 { try slots.take(for: "customer:stu_\(number)", in: south) }
        #expect(throws: Slots.Refusal.full) { try slots.take(for: "customer:stu_1", in: west) }
        slots.giveBack(of: "customer:stu_0", in: south)
        #expect(throws: Slots.Refusal.tooManyInCampus(limit: 6)) { try slots.take(for: "customer:stu_6", in: north) }
        try slots.take(for: "customer:stu_1", in: west)
    }

    @Test("Of few, one is left to others; of one, none", arguments: [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6)])
    func share(total: Int, share: Int) throws {
        let slots = Slots(perOwner: total, total: total)
        for _ in 0..<share { try slots.take(for: "a", in: north) }
        #expect(throws: Slots.Refusal.self) { try slots.take(for: "a", in: north) }
    }
}
