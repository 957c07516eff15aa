import Model
import Postgres
import TestSupport
import Testing

@testable import OrderService
@testable import ServiceKit

@Suite("Key sets that change all the time", .timeLimit(.minutes(2)))
struct KeySetFloodTests {
    private func keySet(_ number: UInt64, of campus: CampusID, at time: Timestamp) -> KeySet {
        KeySet(
            id: KeySetID(high: 7, low: number),
            campus: campus,
            url: "https://login.example.com/\(number)",
            createdAt: time,
            revokedAt: nil,
            fetchedAt: nil,
            failures: 0,
            fault: nil,
            etag: nil
        )
    }

    private func keys(_ kid: String) throws -> KeySetFetch {
        .changed(try JWKS(published: ["keys": [SigningKey(kid: kid).jwk]]), etag: nil)
    }

    @Test(
        "Two sets that drop keys in turns are each fetched twice a minute at most; one that was never fetched, at once"
    )
    func turns() async throws {
        try await TestCampus.run { campus in
            let (store, id) = (KeySetStore(), campus.id)
            // Ahead of every clock, so that the service itself finds none of them due.
            let start = SystemWallClock().now() + .seconds(86_400)
            let sets = [keySet(1, of: id, at: start), keySet(2, of: id, at: start)]
            try await campus.pool.transaction { session in
                for set in sets { _ = try store.insert(set, in: session) }
            }
            var fetches = 0
            for second in 0..<120 {
                let now = start + .seconds(second)
                let due = try await campus.pool.transaction { session in
                    try store.claimDue(at: now, lease: .seconds(60), limit: 16, in: session)
                }
                fetches += due.count
                for set in due {
                    let answer = try keys("kid-\(set.id)-\(second)")
                    try await campus.pool.transaction { session in
                        try store.settle(set, answer, at: now, next: now + .seconds(60), in: session)
                    }
                }
            }
            #expect(fetches >= 4)
            #expect(fetches <= 8)

            let late = start + .seconds(200)
            let new = keySet(3, of: id, at: late)
            try await campus.pool.transaction { session in
                _ = try store.insert(new, in: session)
                try store.revoke(sets[0], at: late, in: session)
            }
            let due = try await campus.pool.transaction { session in
                try store.claimDue(at: late, lease: .seconds(60), limit: 16, in: session)
            }
            #expect(Set(due.map(\.id)) == [sets[1].id, new.id])
        }
    }
}
