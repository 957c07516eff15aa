import Model
import Testing

@testable import CampusSimulator

@Suite("Credentials")
struct CredentialsTests {
    private static let json: JSONObject = [
        "urls": ["order": "http://a", "after_sales": "http://b", "notify": "http://c"],
        "database_url": "postgresql:///campus", "campus": "demo", "platform_key": "ck_1",
        "tokens": ["agent": "ey", "customer": "ez"],
    ]

    @Test("The file that `make run` writes is understood")
    func reads() throws {
        let credentials = try Credentials(json: .object(Self.json))
        #expect(
            credentials.addresses
                == Credentials.Addresses(order: ["http://a"], afterSales: ["http://b"], notify: ["http://c"])
        )
        #expect(credentials.platformKey == "ck_1")
        #expect(credentials.tokens == ["agent": "ey", "customer": "ez"])
    }

    @Test("What is missing is named", arguments: ["urls", "campus", "platform_key"])
    func namesWhatIsMissing(member: String) throws {
        var json = Self.json
        json[member] = nil
        let fault = try #require(throws: Credentials.Fault.self) { try Credentials(json: .object(json)) }
        #expect(fault.description.contains(member))
    }

    @Test("A file that is not there says what to do")
    func saysWhatToDo() throws {
        let fault = try #require(throws: Credentials.Fault.self) {
            try Credentials.read(path: "/nowhere/credentials.json")
        }
        #expect(fault.description.contains("make run"))
    }

    @Test("Query values are percent-encoded")
    func encodesQueries() {
        #expect(ServiceClient.percentEncoded("a b/午+&~.-_") == "a%20b%2F%E5%8D%88%2B%26~.-_")
    }
}
