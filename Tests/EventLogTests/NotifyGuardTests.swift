import Foundation
import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

/// A NOTIFY in a business transaction holds a lock of the whole cluster through its commit; one forgotten statement would cost most of
/// the throughput, and nothing else would tell.
@Suite("Only the ticker notifies")
struct NotifyGuardTests {
    private func files(under folder: String) throws -> [(path: String, text: String)] {
        let base = Repository.root.appending(path: folder)
        let paths = try FileManager.default.subpathsOfDirectory(atPath: base.path)
        return try paths.filter { $0.hasSuffix(".swift") || $0.hasSuffix(".sql") }.map { path in
            (path, try String(contentsOf: base.appending(path: path), encoding: .utf8))
        }
    }

    @Test("No source and no migration notifies, but for one line of one function")
    func sources() throws {
        let files = try files(under: "Sources")
        #expect(files.count > 50, "the sources were found")
        var found: [String] = []
        for (path, text) in files {
            for line in text.split(separator: "\n") {
                let statement = line.replacing(/(--|\/\/).*/, with: "").lowercased()
                if statement.contains("pg_notify") || statement.contains(/"\s*notify\s+[a-z_\\]/)
                    || statement.contains(/^\s*notify\s+[a-z_"]/)
                {
                    found.append("\(path): \(line)")
                }
            }
        }
        #expect(found.count == 1, "\(found)")
        #expect(found.allSatisfy { $0.hasPrefix("Shared/Schema/Migrations/M0002_event_log.sql") })
    }

    @Test("No function but tick() notifies, and no trigger nor rule may")
    func functions() async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            let functions: [String] = try await admin.autocommit { session in
                try session.query(
                    """
                    select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                    where n.nspname not in ('pg_catalog', 'information_schema') and p.prosrc ~* 'notify\\M'
                    """
                ) { try $0[0] }
            }
            #expect(functions == ["tick"])
            let triggers = try await admin.number(
                """
                select count(*) from pg_trigger t join pg_proc p on p.oid = t.tgfoid
                where not t.tgisinternal and p.prosrc ~* 'notify'
                """
            )
            let rules = try await admin.number(
                "select count(*) from pg_rules where schemaname = 'campus' and definition ~* 'notify'"
            )
            #expect(triggers == 0 && rules == 0)
        }
    }

    @Test("Everything that the log does in a business transaction leaves the queue of notifications alone")
    func runtime() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let listener = try Listener(
                try database.configuration(as: .notifyService),
                channels: EventStream.allCases.map(\.rawValue),
                logger: .silent
            )
            let signals = EventStream.allCases.map { listener.signal(for: $0.rawValue) }
            try await running([listener]) {
                for signal in signals { _ = try await signal.wait(atMost: .seconds(5)) }
                let subject = AnyID.new()
                try await pool.transaction { session in
                    try EventStore(stream: .orders).append([example(subject)], in: session)
                    try TaskStore(owner: .orders).enqueue(
                        [NewTask(queue: "q", destination: "d", dedupeKey: "k", campus: exampleCampus, payload: .null)],
                        in: session
                    )
                    let timer = NewTimer(
                        kind: "k",
                        subject: subject,
                        campus: exampleCampus,
                        dueAt: SystemWallClock().now()
                    )
                    try TimerStore(owner: .orders).arm([timer], in: session)
                    try TimerStore(owner: .orders).cancelAll(subject: subject, in: session)
                }
                for signal in signals {
                    let isNotified = try await signal.wait(atMost: .milliseconds(150))
                    #expect(!isNotified)
                }
            }
        }
    }
}
