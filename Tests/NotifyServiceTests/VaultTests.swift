import Model
import Testing

@testable import NotifyService

@Suite("Contacts at rest")
struct VaultTests {
    static func key(_ id: String, _ byte: UInt8) -> String {
        "\(id):\(base64(Array(repeating: byte, count: 32)))"
    }

    private let campus = CampusID(high: 1, low: 2)
    private let contact = Contact(
        party: Party(kind: .customer, id: "stu_1"),
        phone: "+8613800138000",
        openIDs: [Contact.OpenID(appID: "wx1", value: "oABC")],
        language: .english,
        updatedAt: Timestamp(seconds: 1_772_337_600),
        erasedAt: nil
    )

    private func vault(_ keys: String...) throws -> Vault {
        Vault(try #require(KeyRing(keys.joined(separator: ","))))
    }

    @Test("The first key seals, every key of the ring opens, others do not")
    func rotation() throws {
        let old = try vault(Self.key("k1", 1))
        let both = try vault(Self.key("k2", 2), Self.key("k1", 1))
        let new = try vault(Self.key("k2", 2))
        let sealed = try old.seal(contact, in: campus)
        #expect(try both.open(sealed, in: campus) == contact)
        #expect(throws: Vault.Fault.unknownKey("k1")) { try new.open(sealed, in: campus) }
        let anew = try both.seal(contact, in: campus)
        #expect(try new.open(anew, in: campus) == contact)
        #expect(throws: Vault.Fault.unknownKey("k2")) { try old.open(anew, in: campus) }
        // A key that has the name and not the value opens nothing.
        #expect(throws: Vault.Fault.unreadable) { try self.vault(Self.key("k2", 3)).open(anew, in: campus) }
    }

    @Test("What is sealed opens for its own campus, person and column only")
    func bound() throws {
        let vault = try vault(Self.key("k1", 1))
        let sealed = try vault.seal(contact, in: campus)
        func moved(
            to party: Party = Party(kind: .customer, id: "stu_1"),
            swapped: Bool = false
        ) -> SealedContact {
            SealedContact(
                party: party,
                phone: swapped ? sealed.openIDs : sealed.phone,
                openIDs: swapped ? sealed.phone : sealed.openIDs,
                language: sealed.language,
                updatedAt: sealed.updatedAt,
                erasedAt: nil
            )
        }
        #expect(try vault.open(moved(), in: campus) == contact)
        let wrong = [
            moved(to: Party(kind: .customer, id: "stu_2")), moved(to: Party(kind: .rider, id: "stu_1")),
            moved(swapped: true),
        ]
        for row in wrong { #expect(throws: Vault.Fault.unreadable) { try vault.open(row, in: campus) } }
        #expect(throws: Vault.Fault.unreadable) { try vault.open(moved(), in: CampusID(high: 1, low: 3)) }
    }

    @Test(
        "A ring is names and keys of 32 bytes, no name twice",
        arguments: [
            "", "k1", "k1:", "k1:AAAA", key("", 1), key("k 1", 1), "\(key("k1", 1)),",
            "\(key("k1", 1)),\(key("k1", 2))",
            key(String(repeating: "k", count: 33), 1),
        ]
    )
    func malformed(_ text: String) {
        #expect(KeyRing(text) == nil)
    }

    @Test("A ring does not say its keys")
    func discreet() throws {
        let ring = try #require(KeyRing(Self.key("k1", 65)))
        let key = base64(Array(repeating: 65, count: 32))
        #expect("\(ring)" == "keys k1")
        #expect(!String(reflecting: ring).contains(key) && Mirror(reflecting: ring).children.isEmpty)
    }
}
