import Model
import Testing

@Suite("Actors")
struct ActorTests {
    @Test("What our rows hold is read back, a key's name too; a role that nobody knows is an error")
    func stored() throws {
        #expect(try Actor(stored: "customer:stu_1") == Actor(role: .customer, id: "stu_1"))
        let key = Actor(role: .platform, id: "校园 app: main")
        #expect(try Actor(stored: key.description) == key)
        for text in ["janitor:x", "customer", ""] {
            #expect(throws: UnknownRole.self) { try Actor(stored: text) }
        }
    }
}
