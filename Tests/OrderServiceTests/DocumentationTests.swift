import Model
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

@Suite("What the documentation says of this service")
struct DocumentationTests {
    @Test("docs/logs.md lists each event with its level and message")
    func events() throws {
        let page = try Repository.text(of: "docs/logs.md")
        for event in OrderServiceDefinition.events {
            #expect(page.contains("| `\(event.name)` | \(event.level) | \(event.message). |"), "\(event.name)")
        }
    }

    @Test(
        "docs/configuration.md lists each setting, docs/integrate/authentication.md each scope and setting of a campus"
    )
    func settings() throws {
        let page = try Repository.text(of: "docs/configuration.md")
        for setting in OrderServiceDefinition.settings {
            #expect(page.contains("| `\(setting.name)` | \(setting.allowed) |"), "\(setting.name)")
            #expect(page.contains(setting.meaning), "\(setting.name)")
        }
        let credentials = try Repository.text(of: "docs/integrate/authentication.md")
        for scope in Scope.all { #expect(credentials.contains("| `\(scope.rawValue)` |"), "\(scope.rawValue)") }
    }

    @Test("The settings that docs/integrate/authentication.md shows are settings")
    func example() throws {
        let page = try Repository.text(of: "docs/integrate/authentication.md")
        let example = try #require(page.firstMatch(of: /```json\n(.+?)```/.dotMatchesNewlines()))
        let json = try JSON(parsing: String(example.1))
        #expect(Administration.CampusTerms.schema.validate(json).isEmpty)
        _ = try CampusSettings(json: json["settings"] ?? .null)
    }
}
