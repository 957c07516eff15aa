import HTTPTypes
import Model
import Testing

@testable import ServiceKit

@Suite("Codecs")
struct CodecTests {
    @Test("Base64url reads what it writes, and nothing else", arguments: 0...70)
    func base64(length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 37 + length) }
        let text = Base64URL.encode(bytes)
        #expect(Base64URL.decode(text) == bytes)
        #expect(Base64URL.decode(text + "=") == nil)
        #expect(Base64URL.decode(text + "+") == nil)
    }

    @Test("Base64url knows the vectors of RFC 4648, and refuses stray bits")
    func base64Vectors() {
        #expect(Base64URL.encode(Array("foobar".utf8)) == "Zm9vYmFy")
        #expect(Base64URL.encode(Array("fooba".utf8)) == "Zm9vYmE")
        #expect(Base64URL.encode([0xfb, 0xff]) == "-_8")
        #expect(Base64URL.decode("Zm9vYmF") == nil)
        #expect(Base64URL.decode("A") == nil)
    }

    @Test("A trace context is carried when it is valid")
    func traceparent() throws {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let trace = try #require(Traceparent(text))
        #expect(trace.description == text)
        #expect(trace.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
        for wrong in [
            "", "00", text.uppercased(), text + "-x", text.replacing("00-4b", with: "ff-4b"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            text.replacing("-01", with: "-0g"), text.replacing("-", with: "_"),
        ] {
            #expect(Traceparent(wrong) == nil, "\(wrong)")
        }
        #expect(Traceparent("01" + text.dropFirst(2) + "-more")?.traceID == trace.traceID)
        var generator = SystemRandomNumberGenerator()
        let made = Traceparent(using: &generator)
        #expect(Traceparent(made.description) == made)
    }

    @Test("Entity tags match as RFC 9110 has it")
    func etag() {
        #expect(ETag(version: 12).text == #""v12""#)
        #expect(ETag(versions: [3, 1, 2]).text == #""v3.1.2""#)
        #expect(ETag(versions: [3, 1, 2]) != ETag(versions: [2, 2, 2]))
        #expect(ETag(version: 12).isNamed(by: #""v12""#))
        #expect(ETag(version: 12).isNamed(by: #""v11" , "v12""#))
        #expect(ETag(version: 12).isNamed(by: "*"))
        #expect(!ETag(version: 12).isNamed(by: #"W/"v12""#))
        #expect(!ETag(version: 12).isNamed(by: #""v1""#))
        #expect(!ETag(version: 12).isNamed(by: ""))
    }

    @Test("A cursor reads what it wrote, and refuses what others wrote")
    func cursor() throws {
        let time = Timestamp(microseconds: 1_772_337_600_123_456)
        let id = OrderID.make(at: time)
        let cursor = Cursor(time: time, id: id)
        let read = try #require(Cursor(cursor.text))
        #expect(read == cursor)
        let place = try #require(read.timeAndID(of: IDSubject.Order.self))
        #expect(place.time == time)
        #expect(place.id == id)
        #expect(Cursor("!!") == nil)
        #expect(Cursor(Base64URL.encode(Array("{}".utf8))) == nil)
        #expect(Cursor(Base64URL.encode(Array(#"["\u0000"]"#.utf8))) == nil)
        #expect(Cursor([.string("x")]).timeAndID(of: IDSubject.Order.self) == nil)
    }

    @Test("A platform key has 256 bits in a form that can be searched for")
    func keySecret() {
        var generator = SystemRandomNumberGenerator()
        var seen: Set<String> = []
        for _ in 0..<100 {
            let secret = PlatformKeySecret(using: &generator)
            #expect(secret.text.hasPrefix("ck_"))
            #expect(secret.text.utf8.count == 46)
            #expect(secret.text.dropFirst(3).allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
            #expect(secret.prefix.utf8.count == 9)
            seen.insert(secret.text)
        }
        #expect(seen.count == 100)
    }

    @Test("A digest is that of SHA-256, and its lock number its first eight bytes")
    func digest() {
        let digest = SHA256Digest(of: "abc".utf8)
        #expect(digest.bytes.prefix(4) == [0xba, 0x78, 0x16, 0xbf])
        #expect(UInt64(bitPattern: digest.lockID) == 0xba78_16bf_8f01_cfea)
    }

    @Test("The number that an idempotency key is locked by never changes")
    func lockID() {
        func key(_ key: String, body: String = "{}") -> IdempotencyKey {
            IdempotencyKey(
                campus: CampusID(high: 1, low: 2),
                principal: "customer:stu_1",
                method: "POST",
                path: "/v1/orders",
                key: key,
                bodySHA256: SHA256Digest(of: body.utf8)
            )
        }
        let text = "00000000-0000-0001-0000-000000000002\0customer:stu_1\0POST\0/v1/orders\0k1\0"
        #expect(key("k1").lockID == SHA256Digest(of: text.utf8).lockID)
        #expect(key("k1").lockID != key("k2").lockID)
        #expect(key("k1") == key("k1", body: "[]"))
    }

    @Test("Accept and Content-Type are read as RFC 9110 has it")
    func negotiation() {
        func accepts(_ header: String?) -> Bool { ContentNegotiation.accepts(header, ["application/json"]) }
        #expect(accepts(nil) && accepts("*/*") && accepts("application/json") && accepts("application/*;q=0.5"))
        #expect(accepts("text/html, application/json;q=0.9, */*;q=0.1"))
        #expect(!accepts("text/html") && !accepts("application/json;q=0, text/html") && !accepts("*/*;q=0"))
        #expect(!accepts("application/json;q=0, */*"))
        func takes(_ header: String?) -> Bool { ContentNegotiation.isOne(of: ["application/json"], header) }
        #expect(takes("application/json") && takes("Application/JSON; charset=UTF-8"))
        #expect(!takes(nil) && !takes("text/plain") && !takes("application/json; charset=gbk") && !takes(""))
    }

    @Test("The names of our headers are tokens of HTTP")
    func headerNames() {
        let names: [HTTPField.Name] = [
            .requestID, .actor, .idempotencyKey, .idempotentReplayed, .lastEventID, .accelBuffering,
            .reconciliationSHA256,
        ]
        #expect(Set(names).count == names.count)
        #expect(!names.contains(.server))
    }

    @Test("Percent-encoding is decoded strictly")
    func percent() {
        #expect(PercentEncoding.decode("a%20b") == "a b")
        #expect(PercentEncoding.decode("%E9%80%80") == "退")
        #expect(PercentEncoding.decode("a+b") == "a+b")
        #expect(PercentEncoding.decode("a+b", plusIsSpace: true) == "a b")
        for wrong in ["%", "%2", "%zz", "%ff", "%c0%80"] { #expect(PercentEncoding.decode(Substring(wrong)) == nil) }
    }
}
