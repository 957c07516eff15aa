import Model
import Testing

@Suite struct JSONTests {
    @Test(
        arguments: [
            ("null", nil), ("true", true), (" false ", false), ("0", 0), ("-12", -12), ("1.5", 1.5), ("2e3", 2000.0),
            ("9223372036854775807", 9_223_372_036_854_775_807),
            ("9223372036854775808", .double(9.223372036854775808e18)),
            (#""红烧肉 😀""#, "红烧肉 😀"), (#""\u7ea2\ud83d\ude00\n\/""#, "红😀\n/"), ("[]", []), ("[1, [2]]", [1, [2]]),
            (#"{"a": {"b": []}}"#, ["a": ["b": []]]),
        ] as [(String, JSON)]
    )
    func wellFormedTextIsRead(text: String, value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "01", "-", "1.", ".5", "1e", "+1", "1 2", "[1,]", "[1", "{", #"{"a"}"#, #"{"a":1,}"#,
        #"{a:1}"#,
        #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"""#, #""\x""#, #""\u12""#, #""\ud800""#, #""\udc00""#,
        #""\ud800\u0041""#,
        "\"\u{1}\"", "1e999", "NaN", "'a'", "[1]]", "\u{feff}1",
    ])
    func malformedTextIsRefused(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: text) }
    }

    @Test func invalidUTF8IsRefused() {
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: [0x22, 0xc3, 0x28, 0x22]) }
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: [0x22, 0xed, 0xa0, 0x80, 0x22]) }
    }

    @Test func nestingIsBounded() throws {
        let deep = { (levels: Int) in String(repeating: "[", count: levels) + String(repeating: "]", count: levels) }
        _ = try JSON(parsing: deep(32))
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: deep(33)) }
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: String(repeating: "[", count: 1_000_000)) }
    }

    @Test func writtenTextIsReadBack() throws {
        let value: JSON = [
            "control": "\u{0}\u{1f}\"\\\n\t\r", "numbers": [1, -1, 1.25, .double(1e300)], "nothing": nil, "yes": true,
            "空": "值",
        ]
        #expect(try JSON(parsing: value.serialized()) == value)
        #expect(JSON.string("a\u{1}b").text == #""a\u0001b""#)
    }

    @Test func theFaultSaysWhere() {
        let fault = #expect(throws: JSONSyntaxError.self) { try JSON(parsing: #"{"a": tru}"#) }
        #expect(fault?.offset == 6)
    }

    @Test func orderOfMembersCarriesNoMeaning() {
        #expect(JSON.object(["a": 1, "b": 2]) == JSON.object(["b": 2, "a": 1]))
        #expect(JSON.object(["a": 1]).hashValue == JSON.object(["a": 1]).hashValue)
        #expect(JSON.double(2).integer == 2)
        #expect(JSON.double(2.5).integer == nil)
    }
}
