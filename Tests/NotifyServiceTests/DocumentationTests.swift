import ServiceKit
import TestSupport
import Testing

@testable import NotifyService

@Suite("What the documentation says of this service")
struct DocumentationTests {
    @Test("docs/logs.md lists each event with its level and message")
    func events() throws {
        let page = try Repository.text(of: "docs/logs.md")
        for event in LoggedEvent.notify {
            #expect(page.contains("| `\(event.name)` | \(event.level) | \(event.message). |"), "\(event.name)")
        }
    }

    @Test("docs/configuration.md lists each setting")
    func settings() throws {
        let page = try Repository.text(of: "docs/configuration.md")
        for setting in NotifyServiceDefinition.settings {
            #expect(page.contains("| `\(setting.name)` | \(setting.allowed) |"), "\(setting.name)")
            #expect(page.contains(setting.meaning), "\(setting.name)")
        }
    }
}
