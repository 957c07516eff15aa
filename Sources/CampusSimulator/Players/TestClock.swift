import Model

/// The clock of a test campus, which whoever plays may advance.
struct TestClock: Sendable {
    let campus: CampusAccess
    let run: String

    /// What the campus's clock shows.
    func now() async throws -> Timestamp {
        try Self.time(in: try await campus.order.get("/v1/test/clock"), of: "GET /v1/test/clock")
    }

    /// Moves it, with every rule and timer that follows it.
    func advance(by duration: Duration) async throws {
        _ = try await campus.order.post(
            "/v1/test/clock/advance",
            ["seconds": .integer(duration.components.seconds)],
            key: "\(run)-clock"
        )
    }

    private static func time(in answer: JSON, of request: String) throws -> Timestamp {
        guard let now = answer["now"]?.string.flatMap(Timestamp.init(rfc3339:)) else {
            throw MissingMember(request: request, members: "now")
        }
        return now
    }
}
