import FoundationEssentials
import ServiceKit
import Testing

@testable import OrderService

@Suite("What the documentation says of this service")
struct DocumentationTests {
    @Test("docs/logs.md lists each event with its level and message")
    func events() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = String(decoding: try Data(contentsOf: root.appending(path: "docs/logs.md")), as: UTF8.self)
        for event in LoggedEvent.orders {
            #expect(page.contains("| `\(event.name)` | \(event.level) | \(event.message). |"), "\(event.name)")
        }
    }
}
