import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import NotifyService

@Suite("Contacts", .timeLimit(.minutes(5)))
struct ContactTests {
    private let path = "/v1/contacts/customer/stu_1"
    private let facts: JSON = [
        "phone": "+8613800138000", "openids": [["appid": "wx1", "openid": "oABCdefghij"]], "language": "en",
        "updated_at": "2026-03-01T04:00:00Z",
    ]

    private func rows(_ campus: NotifyCampus) async throws -> [String] {
        try await campus.database.pool().autocommit { session in
            try session.query("select row_to_json(c)::text from campus.contact c order by id") { try $0[0] }
        }
    }

    @Test("A contact is put, read and deleted; another campus has none of it")
    func life() async throws {
        try await NotifyCampus.run { campus in
            #expect(try await campus.get(path).status == 404)
            let put = try await campus.send(.put, path, facts)
            #expect(put.status == 200)
            #expect(put["phone"] == "+86138****8000")
            #expect(put["openids"] == [["appid": "wx1", "openid": "oABC…"]])
            #expect(put["language"] == "en")
            let read = try await campus.get(path)
            #expect(read.body == put.body)
            #expect(read.headers[.cacheControl] == "no-store")
            #expect(try await campus.other().get(path).status == 404)
            #expect(try await campus.get(path, as: "customer:stu_1").status == 403)
            #expect(try await campus.get("/v1/contacts/agent/kf_1").status == 404)
            #expect(try await campus.send(.delete, path).status == 204)
            #expect(try await campus.send(.delete, path).status == 404)
        }
    }

    @Test("What identifies somebody is sealed in the database; a row that is given another's bytes does not open")
    func sealed() async throws {
        try await NotifyCampus.run { campus in
            _ = try await campus.send(.put, path, facts)
            _ = try await campus.send(.put, "/v1/contacts/customer/stu_2", ["phone": "13900139000"])
            let rows = try await rows(campus)
            #expect(rows.count == 2)
            for row in rows {
                #expect(!row.contains("13800138000") && !row.contains("oABC") && row.contains("\"key_id\":\"k1\""))
            }
            try await campus.database.pool().autocommit { session in
                _ = try session.execute(
                    """
                    update campus.contact set phone = (select phone from campus.contact where id = 'stu_1') where id = 'stu_2'
                    """
                )
            }
            #expect(try await campus.get("/v1/contacts/customer/stu_2").status == 503)
            #expect(try await campus.get(path)["phone"] == "+86138****8000")
        }
    }

    @Test("The last word by its own time stands, in whatever order it arrives")
    func lastWriter() async throws {
        try await NotifyCampus.run { campus in
            _ = try await campus.send(.put, path, facts)
            let late = try await campus.send(.put, path, ["phone": "111111", "updated_at": "2026-03-01T03:00:00Z"])
            #expect(late.status == 200)
            #expect(late["phone"] == "+86138****8000")
            let newer = try await campus.send(.put, path, ["phone": "222222", "updated_at": "2026-03-01T05:00:00Z"])
            #expect(newer["phone"] == "****22")
            #expect(newer["openids"] == [])
            let ahead = try await campus.send(.put, path, ["updated_at": "2999-01-01T00:00:00Z"])
            #expect(ahead.pointers == ["/updated_at"])
        }
    }

    @Test(
        "A number and an openid are shown as far as they tell that they are the right ones",
        arguments: [
            ("13800138000", "138****8000"), ("+8613800138000", "+86138****8000"), ("123456", "****56"),
            ("1234567", "1****67"), ("123456789012345", "1234567****2345"),
        ]
    )
    func masked(_ phone: String, _ shown: String) {
        let openIDs = ["oABCdefghij", "ab", "a"].map { Contact.OpenID(appID: "wx", value: $0) }
        let contact = Contact(
            party: Party(kind: .customer, id: "stu_1"),
            phone: phone,
            openIDs: openIDs,
            language: .english,
            updatedAt: Samples.time,
            erasedAt: nil
        )
        #expect(contact.masked.phone == shown)
        #expect(contact.masked.openIDs.map(\.value) == ["oABC…", "a…", "…"])
        #expect(contact.masked.openIDs.map(\.appID) == ["wx", "wx", "wx"])
        #expect(contact.masked.language == .english)
    }

    @Test("A thousand are taken as one; a fault is named by its place, and then none is taken")
    func batch() async throws {
        try await NotifyCampus.run { campus in
            func contacts(_ count: Int) -> [JSON] {
                (0..<count).map { ["kind": "customer", "id": .string("stu_\($0)"), "phone": "13800138000"] }
            }
            let stored = try await campus.post("/v1/contacts/batch", ["contacts": .array(contacts(1_000))])
            #expect(stored.status == 200, "\(stored.body)")
            #expect(stored["stored"] == 1_000)
            #expect(try await rows(campus).count == 1_000)
            #expect(try await campus.post("/v1/contacts/batch", ["contacts": .array(contacts(1_001))]).status == 422)

            var faulty = contacts(4)
            faulty[1] = ["kind": "customer", "id": "new_1", "phone": "call me"]
            faulty[3] = ["kind": "desk", "id": "new_3"]
            let refused = try await campus.post("/v1/contacts/batch", ["contacts": .array(faulty)])
            #expect(refused.pointers == ["/contacts/1/phone", "/contacts/3/kind"])
            faulty = contacts(3)
            faulty[2] = [
                "kind": "customer", "id": "stu_0",
                "openids": [["appid": "a", "openid": "b"], ["appid": "a", "openid": "c"]],
            ]
            let twice = try await campus.post("/v1/contacts/batch", ["contacts": .array(faulty)])
            #expect(twice.pointers == ["/contacts/2/id", "/contacts/2/openids/1/appid"])
            #expect(try await rows(campus).count == 1_000)
        }
    }

    @Test("What is logged of contacts is how many were stored, and nothing of those that were not")
    func logged() async throws {
        let lines = LoggedLines()
        try await NotifyCampus.run(logger: lines.logger) { campus in
            _ = try await campus.send(.put, path, facts)
            _ = try await campus.send(.put, path, ["updated_at": "2026-03-01T03:00:00Z"])
            let batch: JSON = [
                "contacts": [
                    ["kind": "customer", "id": "stu_1", "updated_at": "2026-03-01T03:00:00Z"],
                    ["kind": "customer", "id": "stu_2"], ["kind": "customer", "id": "stu_3"],
                ]
            ]
            for _ in 0..<2 {
                let stored = try await campus.post("/v1/contacts/batch", batch, idempotencyKey: "same")
                #expect(stored["stored"] == 2)
                #expect(stored["outdated"] == 1)
            }
            #expect(lines.values(of: "contact.stored").map { $0["count"] } == ["1", "2"])
        }
    }

    @Test("Keys are replaced while the service runs; a key that is taken out too early is missed at once")
    func rotation() async throws {
        let (old, new) = (VaultTests.key("k1", 1), VaultTests.key("k2", 2))
        try await withDatabase { database in
            let count = 450
            try await NotifyCampus.serve(database, settings: ["CONTACT_KEYS": old]) { instance in
                let campus = try await NotifyCampus.seeded(database, instance)
                let contacts = (0..<count).map { number -> JSON in
                    ["kind": "rider", "id": .string("r_\(number)"), "phone": .string("\(13_800_000_000 + number)")]
                }
                #expect(try await campus.post("/v1/contacts/batch", ["contacts": .array(contacts)]).status == 200)
            }
            // Without the old key nothing is lost, and the service says what it lacks.
            try await NotifyCampus.serve(database, settings: ["CONTACT_KEYS": new]) { instance in
                let campus = try await NotifyCampus.seeded(database, instance)
                let ready = try await campus.get("/health/ready")
                #expect(ready.status == 503)
                #expect(ready["detail"]?.string?.contains("k1") == true)
            }
            let vault = Vault(try #require(KeyRing("\(new),\(old)")))
            let pool = try database.pool(as: .notifyService)
            let reseal = ResealContacts(vault: vault, pool: pool, logger: .silent)
            // One that does not open keeps none behind it from being sealed anew.
            try await database.pool().autocommit { session in
                _ = try session.execute("update campus.contact set id = 'r_moved' where id = 'r_0'")
            }
            #expect(try await reseal.pass() == ResealContacts.Progress(resealed: count - 1, unreadable: 1))
            #expect(try await reseal.pass() == ResealContacts.Progress(resealed: 0, unreadable: 1))
            try await database.pool().autocommit { session in
                _ = try session.execute("update campus.contact set id = 'r_0' where id = 'r_moved'")
            }
            #expect(try await reseal.pass().resealed == 1)
            try await NotifyCampus.serve(database, settings: ["CONTACT_KEYS": new]) { instance in
                let seeded = try await NotifyCampus.seeded(database, instance)
                #expect(try await seeded.get("/health/ready").status == 200)
                let keys = try await pool.autocommit { try ContactStore().keys(in: $0) }
                #expect(keys == ["k2"])
            }
            let phones = try await pool.autocommit { session in
                let campus: CampusID = try session.one("select campus_id from campus.contact limit 1") { try $0[0] }
                var phones: [String?] = []
                for number in 0..<count {
                    let party = Party(kind: .rider, id: "r_\(number)")
                    let sealed = try ContactStore().find(party, in: campus, session: session)
                    phones.append(try sealed.map { try vault.open($0, in: campus).phone } ?? nil)
                }
                return phones
            }
            #expect(phones == (0..<count).map { "\(13_800_000_000 + $0)" })
        }
    }

    @Test("Without keys the service does not start, and says what to set")
    func missingKeys() {
        for keys in [nil, "", "k1:short", VaultTests.key("k1", 1) + ","] {
            var values = ["NOTIFY_ENCRYPTION_KEY": NotifyCampus.encryptionKey]
            values["CONTACT_KEYS"] = keys
            let faults = #expect(throws: ConfigurationFaults.self) {
                try ServiceConfiguration(NotifyServiceDefinition.settings, values: values)
            }
            #expect(faults?.description.contains("CONTACT_KEYS") == true)
            #expect(faults?.description.contains("openssl rand -base64 32") == true)
        }
    }

    @Test("An export has the contact and the inbox, page by page, and is audited")
    func export() async throws {
        try await NotifyCampus.run { campus in
            _ = try await campus.send(.put, path, facts)
            try await campus.tell(5)
            try await campus.waitForInbox(of: campus.customer(), lines: 5)
            var items: [JSON] = []
            var pages: Int64 = 0
            // None but the last page has room left, and no page is empty.
            for (limit, expected) in [(1, 6), (2, 3), (3, 2), (6, 1), (7, 1)] as [(Int, Int64)] {
                items = []
                var next: String?
                let before = pages
                repeat {
                    pages += 1
                    let page = try await campus.get(
                        "\(path)/export?limit=\(limit)" + (next.map { "&cursor=\($0)" } ?? "")
                    )
                    #expect(page.status == 200, "\(page.body)")
                    let found = page["items"]?.array ?? []
                    next = page["next_cursor"]?.string
                    #expect(next == nil ? (1...limit).contains(found.count) : found.count == limit)
                    items += found
                } while next != nil
                #expect(pages - before == expected)
                #expect(items.compactMap { $0["section"]?.string } == ["contact"] + Array(repeating: "inbox", count: 5))
                #expect(items.dropFirst().compactMap { $0["data"]?["seq"]?.integer } == [1, 2, 3, 4, 5])
            }
            #expect(items[0]["data"]?["phone"] == "+8613800138000")
            #expect(items[0]["data"]?["openids"] == facts["openids"])
            #expect(items.dropFirst().compactMap { $0["data"]?["seq"]?.integer } == [1, 2, 3, 4, 5])
            #expect(try await campus.get("\(path)/export?cursor=xyz").status == 422)
            let audited: Int64 = try await campus.database.pool().autocommit { session in
                try session.one("select count(*) from campus.audit_entry where action = 'contact.exported'") {
                    try $0[0]
                }
            }
            #expect(audited == pages)
        }
    }
}
