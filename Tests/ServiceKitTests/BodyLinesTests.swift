import HTTPTypes
import Model
import NIOCore
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Lines of a body")
struct BodyLinesTests {
    /// The lines of a text that comes in pieces of that size; nil for one that is too long.
    private func lines(_ text: String, piece size: Int, limit: Int = 8) -> [String?] {
        var splitter = LineSplitter(limit: limit)
        var lines: [BodyLines.Line] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            splitter.append(ByteBuffer(bytes: rest.prefix(size)))
            rest = rest.dropFirst(size)
            while let line = splitter.next() { lines.append(line) }
        }
        if let line = splitter.last() { lines.append(line) }
        return lines.map { line in
            switch line {
            case .text(let bytes): String(decoding: bytes, as: UTF8.self)
            case .tooLong: nil
            }
        }
    }

    @Test(
        "lines are the same however the text is cut, and one that is too long spoils no other",
        arguments: [1, 2, 3, 7, 64]
    )
    func cuts(size: Int) {
        #expect(lines("a\n\nbcd\r\nlast", piece: size) == ["a", "", "bcd\r", "last"])
        #expect(lines("a\n", piece: size) == ["a"])
        #expect(lines("\n\n", piece: size) == ["", ""])
        #expect(lines("12345678\n123456789\nok\n1234567890", piece: size) == ["12345678", nil, "ok", nil])
        #expect(lines("", piece: size).isEmpty)
    }

    @Test("an operation that takes lines takes them in their type only, and says so in the document")
    func type() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let text = "one\nthree\n" + String(repeating: "x", count: 70_000) + "\nfour"
                let type = "application/x-ndjson"
                let taken = try await client.ask(.post, "/v1/lines", credential: "", body: text, type: type)
                #expect(taken.json == ["lengths": [3, 5, "too long", 4]], "\(taken.text)")
                let other = try await client.ask(.post, "/v1/lines", credential: "", body: text)
                expectProblem(other, 415, "unsupported-media-type")
                let none = try await client.ask(.post, "/v1/lines", credential: "")
                expectProblem(none, 422, "validation")
                let document = try await client.ask(.get, "/openapi.json", credential: "").json
                let body = document["paths"]?["/v1/lines"]?["post"]?["requestBody"]
                #expect(body?["content"]?[type]?["x-item-schema"] == ["$ref": "#/components/schemas/Thing"])
            }
        }
    }

    @Test("only the heads of operations that take lines are known for it")
    func heads() {
        func operation(_ path: String, _ body: BodyRule?) -> ServiceKit.Operation {
            ServiceKit.Operation(
                path,
                .post,
                path,
                summary: "",
                tag: "",
                access: .anyone,
                bodyRule: body,
                responses: []
            ) { _ in .noContent }
        }
        let streamed = StreamedBodies([
            operation("/v1/orders", .json(.any)), operation("/v1/orders/import", .lines(of: .any, limit: 1)),
        ])
        func contains(_ method: HTTPRequest.Method, _ path: String) -> Bool {
            streamed.contains(HTTPRequest(method: method, scheme: nil, authority: nil, path: path))
        }
        #expect(contains(.post, "/v1/orders/import"))
        #expect(contains(.post, "/v1/orders/import?import_id=a"))
        #expect(!contains(.get, "/v1/orders/import"))
        #expect(!contains(.post, "/v1/orders/imports"))
        #expect(!contains(.post, "/v1/orders"))
    }
}
