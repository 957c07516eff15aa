import Model
import Postgres
import TestSupport
import Testing

private enum Colour: String, PostgresCodable {
    case red
    case blue = "蓝"
}

@Suite("Values there and back")
struct CodingTests {
    /// Sends a value as a bind and reads it back from the server.
    private func echo<Value: PostgresCodable & Sendable>(_ value: Value) async throws -> Value {
        try await withEmptyDatabase { database in
            try await database.pool(size: 1).autocommit { session in
                try session.one("select \(value)") { try $0[0] }
            }
        }
    }

    @Test("Integers at their limits")
    func integers() async throws {
        #expect(try await echo([Int16.min, -1, 0, Int16.max]) == [Int16.min, -1, 0, Int16.max])
        #expect(try await echo([Int32.min, -1, 0, Int32.max]) == [Int32.min, -1, 0, Int32.max])
        #expect(try await echo([Int64.min, -1, 0, Int64.max]) == [Int64.min, -1, 0, Int64.max])
        #expect(try await echo(Int.min) == Int.min)
        #expect(try await echo(Int16.min) == Int16.min)
        #expect(try await echo(Int32.max) == Int32.max)
        #expect(try await echo(Money(fen: .max)) == Money(fen: .max))
    }

    @Test("An integer that does not fit what is asked for is an error, not a wrong number")
    func integersOutOfRange() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await pool.autocommit { session in
                let value: Int16 = try session.one("select 32767::int8") { try $0[0] }
                #expect(value == .max)
                expectThrows(PostgresError.self) { try session.value("select 32768::int8", as: Int16.self) }
                expectThrows(PostgresError.self) { try session.value("select 1.5::numeric", as: Int64.self) }
                expectThrows(PostgresError.self) { try session.value("select 1e19::numeric", as: Int64.self) }
                expectThrows(PostgresError.self) { try session.value("select 'NaN'::numeric", as: Double.self) }
            }
        }
    }

    @Test("Numeric sums read as integers and as doubles")
    func numerics() async throws {
        try await withEmptyDatabase { database async throws in
            try await database.pool(size: 1).autocommit { session throws in
                for number in [
                    0, 1, -1, 9_999, 10_000, -10_001, 1_0000_0000, 123_456_789_012_345, Int64.max, Int64.min,
                ] {
                    let text = SQL(stringLiteral: "select (\(number))::numeric")
                    #expect(try session.value(text, as: Int64.self) == number)
                    #expect(try session.value(text, as: Double.self) == Double(number))
                }
                #expect(try session.value("select sum(x) from generate_series(1, 10::int8) x", as: Int.self) == 55)
                #expect(try session.value("select 0.000125::numeric", as: Double.self) == 0.000125)
                #expect(try session.value("select -12345.678::numeric", as: Double.self) == -12345.678)
            }
        }
    }

    @Test("Doubles to the last bit, infinities included")
    func doubles() async throws {
        let values = [0.1, -0.0, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity, -.infinity]
        #expect(try await echo(values).map(\.bitPattern) == values.map(\.bitPattern))
        #expect(try await echo(Double.nan).isNaN)
    }

    @Test(
        "Chinese, emoji and every awkward character",
        arguments: [
            "", "麻辣烫少送了一份🥡", "👩‍👩‍👧‍👦 e\u{301} \u{FEFF}\u{10FFFF}", "'; \\ \" $1 % \n\r\t {},", "NULL", " ",
        ]
    )
    func texts(_ text: String) async throws {
        #expect(try await echo(text) == text)
        #expect(try await echo([text, text]) == [text, text])
        #expect(try await echo(JSON.array([.string(text)])) == .array([.string(text)]))
    }

    @Test("A text of 5 MB, and as many bytes")
    func largeValues() async throws {
        let text = String(repeating: "份", count: 5 * 1_048_576 / 3)
        let bytes = (0..<5 * 1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try await echo(text) == text)
        #expect(try await echo(bytes) == bytes)
    }

    @Test("Bytes, empty and with zeros")
    func bytes() async throws {
        #expect(try await echo([UInt8]()) == [])
        #expect(try await echo([0, 1, 0, 255] as [UInt8]) == [0, 1, 0, 255])
        #expect(try await echo([[0], [], [1, 2]] as [[UInt8]]) == [[0], [], [1, 2]])
    }

    @Test("Times to the microsecond, on both sides of the epochs")
    func times() async throws {
        let moments = [Int64.min / 64, -1, 0, 1, 946_684_799_999_999, 946_684_800_000_000, 1_772_337_600_123_456]
            .map { Timestamp(microseconds: $0) }
        #expect(try await echo(moments) == moments)
        try await withEmptyDatabase { database in
            try await database.pool(size: 1).autocommit { session in
                let moment = Timestamp(microseconds: 1_772_337_600_123_456)
                let text: String = try session.one("select to_char(\(moment), 'YYYY-MM-DD\"T\"HH24:MI:SS.US')") {
                    try $0[0]
                }
                #expect("\(text)Z" == moment.rfc3339)
                expectThrows(PostgresError.self) {
                    try session.value("select 'infinity'::timestamptz", as: Timestamp.self)
                }
                expectThrows(PostgresError.self) {
                    try session.execute("select \(Timestamp(microseconds: .min))")
                }
            }
        }
    }

    @Test("Durations are intervals, which add to times")
    func durations() async throws {
        let spans: [Duration] = [.zero, .microseconds(1), .seconds(-90), .seconds(86_400 * 400)]
        #expect(try await echo(spans) == spans)
        try await withEmptyDatabase { database in
            try await database.pool(size: 1).autocommit { session in
                let start = Timestamp(microseconds: 1_772_337_600_000_000)
                let end: Timestamp = try session.one("select \(start) + \(Duration.milliseconds(1500))") { try $0[0] }
                #expect(end.duration(since: start) == .milliseconds(1500))
                let day: Duration = try session.one("select interval '1 day 2 hours'") { try $0[0] }
                #expect(day == .seconds(26 * 3600))
                expectThrows(PostgresError.self) {
                    try session.value("select interval '1 month'", as: Duration.self)
                }
            }
        }
    }

    @Test("Ids, truth, enums and JSON")
    func others() async throws {
        let id = OrderID(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)
        #expect(try await echo(id) == id)
        #expect(try await echo([id]) == [id])
        #expect(try await echo([true, false]) == [true, false])
        #expect(try await echo([Colour.red, .blue]) == [.red, .blue])
        let json: JSON = ["b": [1, 2.5, nil, true], "a": "订单\\u0000"]
        #expect(try await echo(json) == json)
        try await withEmptyDatabase { database async throws in
            try await database.pool(size: 1).autocommit { session throws in
                #expect(try session.value("select \(id)", as: String.self) == id.description)
                #expect(try session.value("select \(json)", as: String.self).contains("订单"))
                expectThrows(PostgresError.self) { try session.value("select 'green'", as: Colour.self) }
            }
        }
    }

    @Test("Arrays with NULLs, empty arrays, and nothing at all")
    func arrays() async throws {
        #expect(try await echo([1, nil, 3] as [Int64?]) == [1, nil, 3])
        #expect(try await echo([nil, "", "x"] as [String?]) == [nil, "", "x"])
        #expect(try await echo([Int64]()) == [])
        #expect(try await echo(nil as [String]?) == nil)
        #expect(try await echo(nil as Int64?) == nil)
        #expect(try await echo("" as String?) == "")
        #expect(try await echo([] as [UInt8]?) == [])
        try await withEmptyDatabase { database in
            try await database.pool(size: 1).autocommit { session in
                expectThrows(PostgresError.self) {
                    try session.value("select \([1, nil] as [Int?])", as: [Int].self)
                }
                expectThrows(PostgresError.self) {
                    try session.value("select '{{1,2}}'::int8[]", as: [Int].self)
                }
                expectThrows(PostgresError.self) { try session.execute("select \([[1], [2]])") }
                let rows: [Int] = try session.query("select * from unnest(\([3, 1, 2])) as x order by x") {
                    try $0["x"]
                }
                #expect(rows == [1, 2, 3])
            }
        }
    }

    private func failure(in session: borrowing Session, _ read: (Row) throws -> Void) throws -> DecodingFailure? {
        do {
            try session.one("select null::int8 as missing, 'secret' as text", read)
        } catch PostgresError.decoding(let failure) {
            return failure
        }
        return nil
    }

    @Test("A column that is not what is asked for is an error that names it, and quotes no value")
    func decodingErrors() async throws {
        try await withEmptyDatabase { database in
            try await database.pool(size: 1).autocommit { session in
                let null = try failure(in: session) { _ = try $0["missing"] as Int64 }
                #expect(null?.column == "missing" && null?.type == "Int64" && null?.reason == "it is NULL")
                let wrong = try failure(in: session) { _ = try $0["text"] as Int64 }
                #expect(wrong?.column == "text" && wrong?.reason.contains("25") == true)
                #expect(wrong?.reason.contains("secret") == false)
                for column in [-1, 2] {
                    let outside = try failure(in: session) { _ = try $0[column] as Int64 }
                    #expect(outside?.column == "\(column)")
                }
                let absent = try failure(in: session) { _ = try $0["absent"] as Int64 }
                #expect(absent?.column == "absent")
            }
        }
    }

    @Test("A NUL is refused before anything is sent, and the connection lives on")
    func refusesNUL() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await pool.transaction { session throws in
                for sql in ["select \("a\0b")", "select \(["ok", "\0"])", "select \(JSON.string("a\0"))"] as [SQL] {
                    do {
                        try session.execute(sql)
                        Issue.record("it was sent")
                    } catch PostgresError.invalidParameter(let reason) {
                        #expect(reason.contains("NUL"))
                    }
                }
                // Had any of them reached the server, the transaction would have failed.
                #expect(try session.value("select 1", as: Int.self) == 1)
            }
        }
    }

    @Test("More values than the protocol counts are refused before anything is sent")
    func refusesTooManyValues() async throws {
        try await withEmptyDatabase { database in
            var sql: SQL = "select 0"
            for number in 0..<65_536 { sql += ", \(number)" }
            let statement = sql
            try await database.pool(size: 1).transaction { session throws in
                expectThrows(PostgresError.self) { try session.execute(statement) }
                #expect(try session.value("select 1", as: Int.self) == 1)
            }
        }
    }
}
