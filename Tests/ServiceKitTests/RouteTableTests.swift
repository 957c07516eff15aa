import HTTPTypes
import Testing

@testable import ServiceKit

@Suite("Route table")
struct RouteTableTests {
    private static func operation(_ method: HTTPRequest.Method, _ path: String) -> ServiceKit.Operation {
        Operation(path, method, path, summary: "", tag: "", access: .anyone, responses: []) { _ in .noContent }
    }

    private static let operations = [
        operation(.post, "/v1/orders"), operation(.get, "/v1/orders"), operation(.get, "/v1/orders/{id}"),
        operation(.post, "/v1/orders/import"), operation(.put, "/v1/orders/{id}/lines/{n}/facts"),
        operation(.get, "/v1/orders/{id}/timeline"), operation(.get, "/v1/orders/import/state/{x}"),
    ]

    private func match(_ method: HTTPRequest.Method, _ path: String) throws -> String {
        switch try RouteTable(Self.operations).match(method, Substring(path)) {
        case .notFound: "404"
        case .methodNotAllowed(let methods): "405 " + methods.map(\.rawValue).sorted().joined(separator: ",")
        case .found(let index, let values): "\(index) " + values.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
        }
    }

    @Test(
        "Each request finds its operation, its 405 or its 404",
        arguments: [
            ("POST", "/v1/orders", "0 "), ("GET", "/v1/orders", "1 "), ("GET", "/v1/orders/7", "2 id=7"),
            ("POST", "/v1/orders/import", "3 "), ("GET", "/v1/orders/import", "405 POST"),
            ("PUT", "/v1/orders/7/lines/2/facts", "4 id=7,n=2"), ("GET", "/v1/orders/import/timeline", "5 id=import"),
            ("GET", "/v1/orders/import/state/q", "6 x=q"), ("DELETE", "/v1/orders", "405 GET,POST"),
            ("PATCH", "/v1/orders/7", "405 GET"), ("GET", "/v1/orders/", "404"), ("GET", "/v1//orders", "404"),
            ("GET", "/v1/orders//timeline", "404"), ("GET", "/", "404"), ("GET", "", "404"),
            ("GET", "v1/orders", "404"),
            ("GET", "/v1/orders/a%2Fb", "2 id=a/b"), ("GET", "/v1/orders/%zz", "404"), ("GET", "/V1/orders", "404"),
            ("GET", "/v1/orders/..", "2 id=.."),
        ]
    )
    func find(method: String, path: String, expected: String) throws {
        let method = try #require(HTTPRequest.Method(method))
        #expect(try match(method, path) == expected)
    }

    @Test("Two operations that no request could tell apart are refused")
    func refuseAmbiguity() {
        #expect(throws: RouteTable.Ambiguity.self) {
            try RouteTable([Self.operation(.get, "/v1/{a}"), Self.operation(.get, "/v1/{b}")])
        }
    }
}
