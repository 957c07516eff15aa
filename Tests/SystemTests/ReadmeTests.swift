import Foundation
import Model
import TestSupport
import Testing

@testable import CampusSimulator

extension SystemTests {
    @Suite("The README")
    struct ReadmeTests {
        @Test("Each line of the tour runs, from placing an order to its refund", .timeLimit(.minutes(3)))
        func tourRuns() async throws {
            let readme = try Repository.text(of: "README.md")
            let blocks = readme.components(separatedBy: "```sh\n").dropFirst().compactMap {
                $0.components(separatedBy: "\n```").first
            }
            try #require(blocks.count == 1)
            try await RunningPlatform.with { platform in
                let folder = FileManager.default.temporaryDirectory.appending(path: "campus-tour-\(UUID().uuidString)")
                let local = folder.appending(path: ".local")
                try FileManager.default.createDirectory(at: local, withIntermediateDirectories: true)
                defer { try? FileManager.default.removeItem(at: folder) }
                try Data(Self.json(of: platform.credentials).serialized())
                    .write(to: local.appending(path: "credentials.json"))
                let script = "set -euo pipefail\ncd '\(folder.path)'\n" + blocks[0]
                let output = try await Command.run("bash", ["-c", script])
                for words in ["delivered", "approved", "refund.succeeded", "退款"] {
                    #expect(output.contains(words), "\(output)")
                }
            }
        }

        private static func json(of credentials: Credentials) -> JSON {
            [
                "urls": [
                    "order": .string(credentials.addresses.order[0]),
                    "after_sales": .string(credentials.addresses.afterSales[0]),
                    "notify": .string(credentials.addresses.notify[0]),
                ],
                "campus": .string(credentials.campus),
                "platform_key": .string(credentials.platformKey),
                "tokens": .object(JSONObject(credentials.tokens.map { ($0.key, JSON.string($0.value)) })),
            ]
        }
    }
}
