import Model
import Testing

@testable import AfterSalesService

@Suite("Comma-separated values")
struct CSVTests {
    @Test(
        "What comes from outside is no formula in a spreadsheet, and can be read back",
        arguments: [
            "=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", "＋1", "－1", "＠x", "plain", "a,b", "say \"hi\"", "a\nb",
            "a\r\nb", "", "=cmd|' /C calc'!A0", "\"", "\"\u{301}", "'quoted'", "中文，逗号",
        ]
    )
    func guarded(text: String) throws {
        let record = CSV.record([.string(text), .integer(-5), .null, .string("end")])
        #expect(record.hasSuffix("\r\n"))
        let fields = try #require(try CSV.records(of: record).first?.fields)
        #expect(fields.count == 4)
        #expect(!["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"].contains { fields[0].hasPrefix($0) })
        #expect(CSV.unguarded(fields[0]) == text)
        #expect(fields[1...] == ["-5", "", "end"])
    }

    @Test("Lines may end either way, quoted values may span lines, and empty lines are none")
    func reading() throws {
        let records = try CSV.records(of: "a,b\r\n1,\"x\ny\"\n\n2,\"\"\n3,z")
        #expect(records.map(\.fields) == [["a", "b"], ["1", "x\ny"], ["2", ""], ["3", "z"]])
        #expect(records.map(\.line) == [1, 2, 5, 6])
    }

    @Test(
        "What is not closed, or has something behind it, is named with its line",
        arguments: ["a\n\"b", "a\n\"b\"c\n"]
    )
    func broken(text: String) {
        #expect(throws: UnreadableLine.self) { try CSV.records(of: text) }
        do {
            _ = try CSV.records(of: text)
        } catch {
            #expect(error.line == 2)
        }
    }
}
