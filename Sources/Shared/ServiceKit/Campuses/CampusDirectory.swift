import EventLog
import Logging
import Model
import Postgres

/// Campuses and their credentials, as every request needs them, cached for a few seconds.
///
/// What is changed or revoked holds within ``lifetime`` in every process; what does not exist is remembered as long.
public final class CampusDirectory: Sendable {
    /// How old an answer may be.
    public static let lifetime = Duration.seconds(5)

    private let clock: any WallClock
    private let offsets: Coalescer<CampusID, Duration>
    private let campuses: ExpiringCache<CampusID, Campus?>
    private let codes: ExpiringCache<String, CampusID?>
    private let platformKeys: ExpiringCache<SHA256Digest, PlatformKey?>
    private let verificationKeys: ExpiringCache<KeyName, VerificationKey?>
    /// Told of tokens that name a key nobody knows.
    let keySetDemand: KeySetDemand

    /// A verification key's name, which is its campus's own.
    private struct KeyName: Hashable {
        let campus: CampusID
        let kid: String
    }

    /// A directory over a pool.
    ///
    /// - `clock`: the machine's own clock, to which the offset of test campuses is added.
    public init(pool: ConnectionPool, clock: any WallClock, logger: Logger) {
        self.clock = clock
        // Requests that arrive together share one look, which begins after they arrived.
        offsets = Coalescer { campuses in
            let found = try await pool.autocommit { session in
                try CampusStore().clockOffsets(of: Array(Set(campuses)), in: session)
            }
            return campuses.map { found[$0] ?? .zero }
        }
        // A timezone's rules change with a new version of PostgreSQL: looking once a day is often enough.
        let timezones = ExpiringCache<String, CampusTimezone>(lifetime: .days(1), capacity: 64) { name in
            let now = clock.now()
            return try await pool.autocommit { session in
                try CampusStore().timezone(name, around: now, in: session)
            }
        }
        campuses = ExpiringCache(lifetime: Self.lifetime, capacity: 4_096) { id in
            guard let stored = try await pool.autocommit({ try CampusStore().campus(id, in: $0) }) else { return nil }
            let timezone = try await timezones.value(for: stored.timezone)
            return Campus(stored, timezone: timezone, logger: logger)
        }
        codes = ExpiringCache(lifetime: Self.lifetime, capacity: 4_096) { code in
            try await pool.autocommit { try CampusStore().campus(code: code, in: $0)?.id }
        }
        platformKeys = ExpiringCache(lifetime: Self.lifetime, capacity: 16_384) { digest in
            try await pool.autocommit { try CredentialStore().platformKey(sha256: digest, in: $0) }
        }
        verificationKeys = ExpiringCache(lifetime: Self.lifetime, capacity: 4_096) { name in
            let stored = try await pool.autocommit { session in
                try CredentialStore().verificationKey(name.kid, of: name.campus, in: session)
            }
            guard let stored else { return nil }
            return await VerificationKey(stored, logger: logger)
        }
        keySetDemand = KeySetDemand(pool: pool, logger: logger)
    }

    /// The campus of that id; nil when there is none.
    public func campus(_ id: CampusID) async throws -> Campus? {
        try await campuses.value(for: id)
    }

    /// The campus of that code; nil when there is none.
    public func campus(code: String) async throws -> Campus? {
        guard let id = try await codes.value(for: code) else { return nil }
        return try await campuses.value(for: id)
    }

    /// The campus of that id or code; nil when there is none.
    func campus(named name: String) async throws -> Campus? {
        if let id = CampusID(name) { return try await campus(id) }
        return try await campus(code: name)
    }

    /// Whether there was such a platform key when it was last looked up, or looking it up now costs nothing.
    func knowsPlatformKey(sha256: SHA256Digest) -> Bool {
        guard let last = platformKeys.last(for: sha256) else { return false }
        return last.value != nil || last.isFresh
    }

    /// The platform key whose secret has that digest; nil when there is none.
    func platformKey(sha256: SHA256Digest) async throws -> PlatformKey? {
        try await platformKeys.value(for: sha256)
    }

    /// The campus's key of that `kid`; nil when there is none.
    func verificationKey(_ kid: String, of campus: CampusID) async throws -> VerificationKey? {
        try await verificationKeys.value(for: KeyName(campus: campus, kid: kid))
    }

    /// Campus time: the machine's, and for a test campus as much later as its clock was advanced.
    ///
    /// The offset is read anew each time, so that a test that advances the clock sees every later request follow it.
    public func now(in campus: Campus) async throws -> Timestamp {
        guard campus.isTest else { return clock.now() }
        let offset = try await offsets.submit(campus.id)
        return clock.now() + offset
    }

    /// Forgets what is cached, so that a change holds at once in this process.
    public func forget() {
        campuses.removeAll()
        codes.removeAll()
        platformKeys.removeAll()
        verificationKeys.removeAll()
    }
}

extension Campus {
    /// A stored campus.
    ///
    /// Settings that do not hold are logged, and the defaults stand in for all of them.
    init(_ stored: StoredCampus, timezone: CampusTimezone, logger: Logger) {
        var settings = CampusSettings()
        do {
            settings = try CampusSettings(json: stored.settings)
        } catch {
            logger.record(
                .campusSettingsInvalid,
                [.campus: .string(stored.code), .count: .integer(error.faults.count)]
            )
        }
        self.init(
            id: stored.id,
            code: stored.code,
            name: stored.name,
            isTest: stored.isTest,
            settings: settings,
            timezone: timezone
        )
    }
}

extension VerificationKey {
    /// A stored key; nil, and a line in the log, when what is stored is not one.
    init?(_ stored: StoredVerificationKey, logger: Logger) async {
        guard let algorithm = Algorithm(rawValue: stored.algorithm) else { return nil }
        do {
            try await self.init(
                kid: stored.kid,
                campus: stored.campus,
                algorithm: algorithm,
                material: stored.material,
                revokedAt: stored.revokedAt
            )
        } catch {
            logger.record(.verificationKeyInvalid, [.keyID: .string(stored.kid), .reason: .string(error.reason)])
            return nil
        }
    }
}
