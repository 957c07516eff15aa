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
        let slots = Slots(perOwner: 2, perCampus: 10, total: 10)
        for _ in 0..<2 { try slots.take(for: "agent:kf_1", in: north) }
        #expect(throws: Slots.Refusal.tooManyOfOwner(limit: 2)) { try slots.take(for: "agent:kf_1", in: north) }
        for _ in 0..<2 { try slots.take(for: "agent:kf_1", in: south) }
        slots.giveBack(of: "agent:kf_1", in: south)
        #expect(throws: Slots.Refusal.tooManyOfOwner(limit: 2)) { try slots.take(for: "agent:kf_1", in: north) }
        try slots.take(for: "agent:kf_1", in: south)
    }

    @Test("However many owners a campus names, it leaves room to the others, until there is none at all")
    func campuses() throws {
        let slots = Slots(perOwner: 1, perCampus: 3, total: 6)
        for number in 0..<3 { try slots.take(for: "customer:stu_\(number)", in: north) }
        #expect(throws: Slots.Refusal.tooManyInCampus(limit: 3)) { try slots.take(for: "customer:stu_3", in: north) }
        for number in 0..<3 { try slots.take(for: "customer:stu_\(number)", in: south) }
        #expect(throws: Slots.Refusal.full) { try slots.take(for: "customer:stu_1", in: west) }
        slots.giveBack(of: "customer:stu_0", in: north)
        #expect(throws: Slots.Refusal.tooManyInCampus(limit: 3)) { try slots.take(for: "customer:stu_3", in: south) }
        try slots.take(for: "customer:stu_3", in: north)
    }
}
