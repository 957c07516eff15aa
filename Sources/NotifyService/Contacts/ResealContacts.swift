import Logging
import Model
import Postgres
import ServiceKit
import ServiceLifecycle

/// Seals contacts anew with the first key, once another key became the first: in small transactions, beside all other work.
///
/// Every instance does so; what one has locked, others pass over.
struct ResealContacts: Service {
    /// What a pass came to.
    struct Progress: Hashable, Sendable {
        /// How many contacts were sealed anew.
        var resealed = 0
        /// How many could not be opened with the key that they name.
        var unreadable = 0
    }

    private static let portion = 200
    /// After how many contacts a line tells how far it has got.
    private static let reportEvery = 10_000

    private let vault: Vault
    private let pool: ConnectionPool
    private let logger: Logger
    private let store = ContactStore()

    /// Seals with the first key of `vault`.
    init(vault: Vault, pool: ConnectionPool, logger: Logger) {
        self.vault = vault
        self.pool = pool
        self.logger = logger
    }

    func run() async throws {
        await Rounds { await round() }.run()
    }

    private func round() async {
        do {
            for key in try await missingKeys() { logger.record(.contactKeyMissing, [.keyID: .string(key)]) }
            try await pass()
        } catch is CancellationError {
            return
        } catch {
            logger.record(.contactResealFailed, error: error)
        }
    }

    /// Seals anew whatever is sealed with another key than the first, as far as its key is known.
    @discardableResult
    func pass() async throws -> Progress {
        var total = Progress()
        var reported = 0
        for key in vault.knownKeys where key != vault.sealingKey {
            var place: Place?
            repeat {
                let portion = try await pool.transaction { [place] in try reseal(key, after: place, in: $0) }
                place = portion.last
                total.resealed += portion.progress.resealed
                total.unreadable += portion.progress.unreadable
                if total.resealed - reported >= Self.reportEvery {
                    reported = total.resealed
                    report(total)
                }
            } while place != nil
        }
        if total.resealed > reported { report(total) }
        if total.unreadable > 0 { logger.record(.contactUnreadable, [.count: .integer(total.unreadable)]) }
        return total
    }

    private func report(_ progress: Progress) {
        logger.record(.contactResealed, [.keyID: .string(vault.sealingKey), .count: .integer(progress.resealed)])
    }

    /// Why contacts cannot all be read: keys that are in use and not known here.
    func obstacle() async throws -> String? {
        let missing = try await missingKeys()
        guard !missing.isEmpty else { return nil }
        return "CONTACT_KEYS lacks keys that contacts are sealed with: \(missing.joined(separator: ", "))."
    }

    private func missingKeys() async throws -> [String] {
        try await pool.autocommit { try store.keys(in: $0) }.filter { !vault.knownKeys.contains($0) }
    }

    /// Where a pass has got to.
    private typealias Place = (campus: CampusID, party: Party)

    private func reseal(
        _ key: String,
        after place: Place?,
        in session: borrowing Session
    ) throws -> (progress: Progress, last: Place?) {
        var progress = Progress()
        var sealed: [(campus: CampusID, contact: SealedContact)] = []
        let found = try store.lock(sealedWith: key, after: place, limit: Self.portion, in: session)
        for (campus, contact) in found {
            guard let opened = try? vault.open(contact, in: campus) else {
                progress.unreadable += 1
                continue
            }
            sealed.append((campus, try vault.seal(opened, in: campus)))
        }
        if !sealed.isEmpty { try store.reseal(sealed, in: session) }
        progress.resealed = sealed.count
        return (progress, found.last.map { ($0.campus, $0.contact.party) })
    }
}
