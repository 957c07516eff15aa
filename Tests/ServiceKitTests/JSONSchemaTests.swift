import Model
import Testing

@testable import ServiceKit

@Suite("JSON schema")
struct JSONSchemaTests {
    static let order = JSONSchema.object([
        .required("external_id", .string(length: 1...8, pattern: .ascii("A-Za-z0-9_-"))),
        .required("amount_fen", .fen(1...1_000)),
        .optional("at", .timestamp),
        .optional("day", .date),
        .optional("owner", .nullable(.id)),
        .optional("lines", .array(of: .object([.required("quantity", .integer(1...9))]), count: 1...2)),
        .optional("ratio", .number(0...1)),
        .optional("on", .boolean),
        .optional("labels", .map(of: .string(length: 0...5), count: 0...2)),
        .optional("extra", .any),
        .optional("either", .oneOf([.boolean, .integer(1...1)])),
    ])

    private func faults(_ text: String) throws -> [String] {
        Self.order.validate(try JSON(parsing: text)).map { "\($0.pointer): \($0.detail)" }
    }

    @Test("What is as it says has no fault")
    func accept() throws {
        let whole = """
            {"external_id": "A-1_b", "amount_fen": 1000, "at": "2026-03-01T04:05:06+08:00", "day": "2026-02-28",
             "owner": null, "lines": [{"quantity": 9}], "ratio": 1, "on": false, "labels": {"a": "b"},
             "extra": [{"deep": [1]}], "either": 1}
            """
        #expect(try faults(whole) == [])
        #expect(try faults(#"{"external_id": "x", "amount_fen": 2.0}"#) == [])
    }

    @Test("Every fault is named at once, each at its place")
    func nameAll() throws {
        let faults = try faults(
            """
            {"external_id": "has space", "amount_fen": 0, "at": "yesterday", "day": "2026-02-30", "owner": "nobody",
             "lines": [{"quantity": 10}, {"amount": 1}], "ratio": 1.5, "on": "yes", "labels": {"a": "toolong", "b/~": 1},
             "either": "x", "unknown": 1}
            """
        )
        let pointers = faults.map { $0.split(separator: ":")[0] }
        #expect(
            pointers == [
                "/external_id", "/amount_fen", "/at", "/day", "/owner", "/lines/0/quantity", "/lines/1/quantity",
                "/lines/1/amount", "/ratio", "/on", "/labels/a", "/labels/b~1~0", "/either", "/unknown",
            ]
        )
    }

    @Test("Missing members, wrong kinds and wrong counts are faults")
    func refuseShapes() throws {
        #expect(try faults("{}") == ["/external_id: is missing", "/amount_fen: is missing"])
        #expect(try faults("[]") == [": must be an object"])
        #expect(try faults(#"{"external_id": "x", "amount_fen": 1, "lines": []}"#).count == 1)
        #expect(try faults(#"{"external_id": "x", "amount_fen": 1, "lines": {}}"#).count == 1)
        #expect(try faults(#"{"external_id": "x", "amount_fen": 1, "labels": {"a":"","b":"","c":""}}"#).count == 1)
        #expect(try faults(#"{"external_id": null, "amount_fen": null}"#).count == 2)
        #expect(try faults(#"{"external_id": "x", "amount_fen": 9223372036854775807}"#).count == 1)
        #expect(try faults(#"{"external_id": "x", "amount_fen": 1.5}"#).count == 1)
        #expect(try faults(#"{"external_id": "x", "amount_fen": 1e400}"#.replacing("1e400", with: "1e300")).count == 1)
    }

    @Test("NUL characters are refused wherever they hide")
    func refuseNUL() throws {
        let any = JSONSchema.any
        #expect(any.validate(try JSON(parsing: #"{"a": ["x\u0000"]}"#)).count == 1)
        #expect(any.validate(try JSON(parsing: #"{"a\u0000": 1}"#)).count == 1)
        #expect(JSONSchema.string(length: 0...9).validate("a\u{0}b").count == 1)
        #expect(JSONSchema.map(of: .any).validate(try JSON(parsing: #"{"\u0000": 1}"#)).count == 1)
    }

    @Test("Lengths count Unicode scalars, as JSON Schema does")
    func countScalars() {
        let two = JSONSchema.string(length: 2...2)
        #expect(two.validate("退款").isEmpty)
        #expect(two.validate("😀😀").isEmpty)
        #expect(two.validate("e\u{301}").isEmpty)
        #expect(!two.validate("é").isEmpty)
        #expect(!two.validate("退款啊").isEmpty)
        #expect(!JSONSchema.string(length: 1...3).validate("").isEmpty)
    }

    @Test("Patterns hold their characters")
    func patterns() {
        let set = JSONSchema.string(length: 0...9, pattern: .ascii("a-c_.-"))
        #expect(set.validate("ab-._c").isEmpty)
        #expect(!set.validate("d").isEmpty)
        #expect(!set.validate("é").isEmpty)
        let name = JSONSchema.string(length: 1...9, pattern: .name)
        #expect(name.validate("北 门").isEmpty)
        #expect(!name.validate("   ").isEmpty)
        #expect(!name.validate("a\nb").isEmpty)
        let identifier = JSONSchema.string(length: 1...9, pattern: .identifier)
        #expect(identifier.validate("late_2").isEmpty)
        #expect(!identifier.validate("2late").isEmpty)
        #expect(JSONSchema.url().validate("https://x.cn/a").isEmpty)
        #expect(!JSONSchema.url().validate("ftp://x.cn/a").isEmpty)
        #expect(!JSONSchema.url().validate("https://").isEmpty)
        #expect(!JSONSchema.url().validate("http://a b").isEmpty)
    }

    @Test("A hostile body cannot make an endless list of faults")
    func boundFaults() {
        let faults = JSONSchema.array(of: .boolean, count: 0...5_000).validate(
            .array(Array(repeating: "x", count: 5_000))
        )
        #expect(faults.count == FaultCollector.limit)
        let long = String(repeating: "x", count: 10_000)
        let pointer = JSONSchema.object([]).validate(.object([long: 1]))[0].pointer
        #expect(pointer.utf8.count == 65)
    }
}
