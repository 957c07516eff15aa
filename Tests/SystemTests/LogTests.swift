import Model
import TestSupport
import Testing

@testable import CampusSimulator

extension SystemTests {
    @Suite("Logs")
    struct LogTests {
        /// What students, riders and the platform told the services in confidence.
        private static func planted(_ platform: RunningPlatform) -> [String] {
            [
                // Addresses, riders' names, descriptions, devices and networks of the lunch.
                Student.street, "骑手", Student.device, Student.network, "洒餐",
                platform.credentials.platformKey,
            ] + Array(platform.credentials.tokens.values) + platform.secrets + ["whsec_", "\"st_", "=st_", "Bearer "]
        }

        @Test(
            "At every level no line holds personal data or a secret, and each is JSON that says when, how bad, who and what",
            .timeLimit(.minutes(6)),
            arguments: ["trace", "debug"]
        )
        func keepSecrets(level: String) async throws {
            try await RunningPlatform.with(settings: ["LOG_LEVEL": level, "STATS_INTERVAL_S": "2"]) { platform in
                _ = try await platform.lunch(orders: 40, over: 6, seed: 6)
                let lines = platform.logLines()
                #expect(lines.count > 500)
                let planted = Self.planted(platform)
                for (file, line) in lines {
                    for secret in planted where line.contains(secret) {
                        Issue.record("\(file) holds \(secret): \(line)")
                    }
                    guard let json = try? JSON(parsing: line),
                        ["ts", "level", "service", "event"].allSatisfy({ json[$0]?.string != nil })
                    else {
                        Issue.record("\(file) has a line that is not a log line: \(line)")
                        continue
                    }
                }
            }
        }

        @Test("docs/logs.md lists every event of a run", .timeLimit(.minutes(6)))
        func areDocumented() async throws {
            let page = try Repository.text(of: "docs/logs.md")
            try await RunningPlatform.with(settings: ["LOG_LEVEL": "trace", "STATS_INTERVAL_S": "2"]) { platform in
                _ = try await platform.lunch(orders: 60, over: 8, seed: 7)
                let seen = Set(platform.logLines().compactMap { try? JSON(parsing: $0.line)["event"]?.string })
                #expect(seen.contains("stats"))
                #expect(seen.count > 10)
                for event in seen.sorted() {
                    #expect(page.contains("`\(event)`"), "docs/logs.md does not list \(event)")
                }
            }
        }
    }
}
