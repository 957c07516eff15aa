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

    @Test("A set that is to be fetched whole is, also when it says meanwhile that it is as before")
    func meanwhile() async throws {
        try await TestCampus.run { campus in
            let (store, id) = (KeySetStore(), campus.id)
            let start = SystemWallClock().now() + .days(1)
            let (ended, other) = (keySet(1, of: id, at: start), keySet(2, of: id, at: start))
            try await campus.pool.transaction { session in
                for set in [ended, other] { _ = try store.insert(set, in: session) }
                let answer = try JWKS(published: ["keys": [SigningKey(kid: "kid").jwk]])
                try store.settle(other, .changed(answer, etag: "\"1\""), at: start, next: start, in: session)
            }
            let later = start + .seconds(60)
            let claimed = try await campus.pool.transaction { session in
                try store.claimDue(at: later, lease: .seconds(60), limit: 16, in: session)
            }
            let asked = try #require(claimed.first { $0.id == other.id })
            #expect(asked.etag != nil)
            try await campus.pool.transaction { session in
                try store.revoke(ended, at: later, in: session)
                try store.settle(asked, .unchanged, at: later, next: later + .seconds(3_600), in: session)
            }
            let again = try await campus.pool.transaction { session in
                try store.claimDue(at: later + .seconds(31), lease: .seconds(60), limit: 16, in: session)
            }
            #expect(again.map(\.id) == [other.id] && again.first?.etag == nil)
        }
    }

    @Test("Sets of one campus that end at once do not stop each other")
    func together() async throws {
        try await TestCampus.run { campus in
            let (store, id) = (KeySetStore(), campus.id)
            let start = SystemWallClock().now() + .days(1)
            let sets = (1...8).map { keySet($0, of: id, at: start) }
            try await campus.pool.transaction { session in
                for set in sets { _ = try store.insert(set, in: session) }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for set in sets.shuffled() {
                    group.addTask {
                        let pool = try campus.database.pool(as: .orderService, size: 1)
                        try await pool.transaction(TransactionOptions(retries: 0)) { session in
                            _ = try store.lock(set.id, of: id, in: session)
                            try store.revoke(set, at: start, in: session)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
