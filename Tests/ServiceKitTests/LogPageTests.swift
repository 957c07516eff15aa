import Foundation
import TestSupport
import Testing

@Suite("The page of log events")
struct LogPageTests {
    @Test("docs/logs.md lists each event that any source names")
    func listsEveryEvent() throws {
        let page = try Repository.text(of: "docs/logs.md")
        let names = try Self.eventNames(in: Repository.root.appending(path: "Sources"))
        #expect(names.count > 80)
        for (name, file) in names.sorted(by: { $0.key < $1.key }) {
            #expect(page.contains("`\(name)`"), "\(name) of \(file)")
        }
    }

    /// The names that sources give to events, and a file of each: `report(.level, "name"`, `LoggedEvent("name"` and
    /// `"event": "name"`.
    private static func eventNames(in folder: URL) throws -> [String: String] {
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        var names: [String: String] = [:]
        for file in (files?.compactMap { $0 as? URL } ?? []) where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /(?:report\(\s*\.\w+,\s*|LoggedEvent\(\s*|"event": )"([a-z_.]+)"/) {
                names[String(match.1)] = file.lastPathComponent
            }
        }
        return names
    }
}
