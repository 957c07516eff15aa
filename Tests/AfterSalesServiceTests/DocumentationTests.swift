import Model
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("What the documentation says of this service")
struct DocumentationTests {
    @Test("docs/logs.md lists each event with its level and message")
    func events() throws {
        let page = try Repository.text(of: "docs/logs.md")
        for event in LoggedEvent.afterSales {
            #expect(page.contains("| `\(event.name)` | \(event.level) | \(event.message). |"), "\(event.name)")
        }
    }

    @Test("docs/configuration.md lists each setting")
    func settings() throws {
        let page = try Repository.text(of: "docs/configuration.md")
        for setting in AfterSales.settings {
            #expect(page.contains("| `\(setting.name)` | \(setting.allowed) |"), "\(setting.name)")
            #expect(page.contains(setting.meaning), "\(setting.name)")
        }
    }

    @Test(
        "docs/integrate/playground.md lists each word and amount for the sandbox channel, and none that it does not know"
    )
    func sandbox() throws {
        let page = try Repository.text(of: "docs/integrate/playground.md")
        let rows = page.matches(of: /\n\| `(SANDBOX-[A-Z-]+)` \| ([0-9]+) \|/).map { "\($0.1) \($0.2)" }
        #expect(Set(rows) == Set(SandboxMarker.allCases.map { "\($0.rawValue) \($0.amount.fen)" }))
        #expect(rows.count == SandboxMarker.allCases.count)
        #expect(page.contains("`\(SandboxMarker.refusalCode)`"))
        #expect(Set(SandboxMarker.allCases.map(\.amount)).count == SandboxMarker.allCases.count)
        for marker in SandboxMarker.allCases { #expect(SandboxMarker(in: "txn-\(marker.rawValue)-1") == marker) }
        let example = try #require(
            page.firstMatch(of: /`(SANDBOX-FAIL=[A-Z_]+)`.*?with `([A-Z_]+)`/.dotMatchesNewlines())
        )
        #expect(SandboxMarker(in: String(example.1)) == .fail)
        #expect(SandboxMarker.code(in: "wx_\(example.1).7") == example.2)
    }
}
