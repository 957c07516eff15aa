import HTTPTypes
import Hummingbird
import Model
import Testing

@testable import ServiceKit

@Suite("OpenAPI")
struct OpenAPITests {
    private static func document() async throws -> JSON {
        let configuration = try ServiceConfiguration(Probe.allSettings, values: Probe.settingsForDescription)
        let runtime = try await ServiceRuntime(Probe.self, configuration: configuration, logger: LogCapture().logger)
        return runtime.document.json
    }

    private static func operations(_ document: JSON) -> [(path: String, method: String, operation: JSON)] {
        (document["paths"]?.object?.members ?? []).flatMap { path in
            (path.value.object?.members ?? []).map { (path.name, $0.name, $0.value) }
        }
    }

    @Test("It is made without a database, and lists every operation, itself included")
    func lists() async throws {
        let document = try await Self.document()
        let ids = Self.operations(document).compactMap { $0.operation["operationId"]?.string }
        #expect(Set(ids).count == ids.count)
        #expect(
            Set(ids) == [
                "makeThing", "listThings", "getThing", "editThing", "deleteThing", "failThing", "watchThings",
                "takeBytes", "takeLines", "slowThing", "getLiveness", "getReadiness", "getProblem", "getOpenAPI",
            ]
        )
    }

    @Test("Every reference leads somewhere, and every path parameter is described")
    func references() async throws {
        let document = try await Self.document()
        var references: Set<String> = []
        func walk(_ json: JSON) {
            if let reference = json["$ref"]?.string { references.insert(reference) }
            for member in json.object?.members ?? [] { walk(member.value) }
            for element in json.array ?? [] { walk(element) }
        }
        walk(document)
        #expect(references.contains("#/components/schemas/Problem"))
        for reference in references {
            let steps = reference.dropFirst(2).split(separator: "/").map(String.init)
            let target = steps.reduce(document) { $0[$1] ?? .null }
            #expect(target["type"] == "object", "\(reference)")
        }
        for (path, method, operation) in Self.operations(document) {
            let named = path.split(separator: "/").compactMap { RouteTable.parameterName($0) }
            let described = (operation["parameters"]?.array ?? []).filter { $0["in"] == "path" }
            #expect(Set(described.compactMap { $0["name"]?.string }) == Set(named), "\(method) \(path)")
            #expect(described.allSatisfy { $0["required"] == true })
        }
    }

    @Test("What a request may hold is said as it is checked")
    func request() async throws {
        let document = try await Self.document()
        let make = try #require(
            Self.operations(document).first { $0.operation["operationId"] == "makeThing" }?.operation
        )
        let headers = (make["parameters"]?.array ?? []).filter { $0["in"] == "header" }
        #expect(
            headers.compactMap { $0["name"]?.string } == ["Idempotency-Key", "X-Request-Id", "traceparent", "X-Actor"]
        )
        #expect(headers.first?["required"] == true)
        #expect(make["security"] == [["userToken": []], ["platformKey": []]])
        let thing = try #require(document["components"]?["schemas"]?["Thing"])
        #expect(thing["required"] == ["name", "price_fen"])
        #expect(thing["additionalProperties"] == false)
        #expect(thing["properties"]?["price_fen"]?["maximum"] == 1_000_000)
        #expect(thing["properties"]?["maker"]?["anyOf"]?.array?.count == 2)
        let list = try #require(
            Self.operations(document).first { $0.operation["operationId"] == "listThings" }?.operation
        )
        let sizes = (list["parameters"]?.array ?? []).first { $0["name"] == "sizes" }
        #expect(sizes?["explode"] == false)
        #expect(list["requestBody"] == nil)
    }

    @Test("Every answer is said, problems by their codes")
    func responses() async throws {
        let document = try await Self.document()
        let expected: [String: Set<String>] = [
            "makeThing": [
                "201", "400", "401", "403", "406", "408", "409", "413", "414", "415", "422", "429", "431", "500", "503",
            ],
            "getThing": ["200", "304", "400", "401", "403", "404", "406", "414", "422", "429", "431", "500", "503"],
            "editThing": [
                "204", "400", "401", "403", "404", "406", "408", "412", "413", "414", "415", "422", "428", "429", "431",
                "500",
                "503",
            ],
            "getLiveness": ["200", "400", "406", "414", "422", "429", "431", "500", "503"],
        ]
        for (_, _, operation) in Self.operations(document) {
            let responses = try #require(operation["responses"]?.object)
            if let statuses = operation["operationId"]?.string.flatMap({ expected[$0] }) {
                #expect(Set(responses.members.map(\.name)) == statuses, "\(operation["operationId"] ?? .null)")
            }
            for response in responses.members {
                #expect(response.value["description"]?.string?.isEmpty == false)
                #expect(response.value["headers"]?["X-Request-Id"] != nil)
                let isProblem = response.name.hasPrefix("4") || response.name.hasPrefix("5")
                #expect((response.value["content"]?["application/problem+json"] != nil) == isProblem)
            }
        }
        let conflict = Self.operations(document).first { $0.operation["operationId"] == "makeThing" }?
            .operation["responses"]?["409"]?["content"]?["application/problem+json"]?["schema"]?["allOf"]?.array?.last
        #expect(conflict?["properties"]?["code"]?["enum"] == ["idempotency-in-flight", "too-strange"])
    }

    @Test("What is answered is as it says")
    func conformance() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let made = try await client.make("tea", key: "k")
                let schema = JSONSchema.object([.required("id", .id), .required("number", .integer(1...9_999))])
                #expect(schema.validate(made.json).isEmpty)
            }
        }
    }

    @Test("Every problem of the edge has a code, a status and a page of its own")
    func catalogue() {
        #expect(Set(ProblemKind.edge.map(\.code)).count == ProblemKind.edge.count)
        for kind in ProblemKind.edge {
            #expect((400...599).contains(kind.status))
            #expect(JSONSchema.string(length: 1...64, pattern: .ascii("a-z-")).validate(.string(kind.code)).isEmpty)
            #expect(ProblemPage(kind).markdown.contains(kind.meaning))
        }
    }
}
