import Model
import Testing

@Suite struct IDTests {
    @Test func textAndValueAgree() {
        let text = "0191e2a4-5b6c-7d8e-9f01-23456789abcd"
        #expect(OrderID(text)?.description == text)
        #expect(OrderID(text.uppercased())?.description == text)
        #expect(OrderID(text)?.high == 0x0191_e2a4_5b6c_7d8e)
        #expect(OrderID(text)?.low == 0x9f01_2345_6789_abcd)
    }

    @Test(arguments: [
        "", "0191e2a45b6c7d8e9f0123456789abcd", "0191e2a4-5b6c-7d8e-9f01-23456789abc",
        "0191e2a4-5b6c-7d8e-9f01-23456789abcg",
        "0191e2a4_5b6c_7d8e_9f01_23456789abcd", "{191e2a4-5b6c-7d8e-9f01-23456789abcd",
        "0191e2a4-5b6c-7d8e-9f01-23456789abcdé",
    ])
    func whatIsNoIDIsRefused(text: String) {
        #expect(OrderID(text) == nil)
    }

    @Test func newIDsAreVersionSevenAndFollowTime() {
        var generator = SeededGenerator(seed: 1)
        let start = Timestamp(seconds: 1_772_337_906)
        let ids = (0..<50).map { OrderID.make(at: start + .microseconds($0 * 300), using: &generator) }
        #expect(ids == ids.sorted())
        for id in ids {
            #expect(id.high >> 12 & 0xf == 7)
            #expect(id.low >> 62 == 0b10)
        }
        #expect(Int64(ids[0].high >> 16) == start.microseconds / 1_000)
    }

    @Test func actorsAreReadBack() {
        #expect(Actor("customer:stu_1") == Actor(role: .customer, id: "stu_1"))
        #expect(Actor("merchant:a:b")?.id == "a:b")
        for text in [
            "customer", "customer:", "king:1", "customer:a b", "customer:学生",
            "customer:" + String(repeating: "x", count: 65),
        ] {
            #expect(Actor(text) == nil)
        }
    }
}
