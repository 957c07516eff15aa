import FoundationEssentials
import ServiceKit
import Testing

@testable import NotifyService

@Suite("What the documentation says of this service")
struct DocumentationTests {
    private func page(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return String(decoding: try Data(contentsOf: root.appending(path: "docs/\(name)")), as: UTF8.self)
    }

    @Test("docs/logs.md lists each event with its level and message")
    func events() throws {
        let page = try page("logs.md")
        for event in LoggedEvent.notify {
            #expect(page.contains("| `\(event.name)` | \(event.level) | \(event.message). |"), "\(event.name)")
        }
    }

    @Test("docs/configuration.md lists each setting")
    func settings() throws {
        let page = try page("configuration.md")
        for setting in NotifyServiceDefinition.settings {
            #expect(page.contains("| `\(setting.name)` | \(setting.allowed) |"), "\(setting.name)")
            #expect(page.contains(setting.meaning), "\(setting.name)")
        }
    }
}
