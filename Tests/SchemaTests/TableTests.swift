import Postgres
import TestSupport
import Testing

@testable import Schema

@Suite("Tables")
struct TableTests {
    private func texts(_ database: TestDatabase, _ sql: SQL) async throws -> [String] {
        try await database.pool().autocommit { session in try session.query(sql) { try $0[0] } }
    }

    @Test("Every table has a primary key")
    func primaryKeys() async throws {
        try await withDatabase { database in
            let without = try await texts(
                database,
                """
                select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'campus' and c.relkind in ('r', 'p')
                    and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
                """
            )
            #expect(without.isEmpty, "\(without)")
        }
    }

    @Test("Every foreign key has an index on its columns, and none crosses from one service's tables to another's")
    func foreignKeys() async throws {
        try await withDatabase { database in
            let unindexed = try await texts(
                database,
                """
                select k.conrelid::regclass || ': ' || k.conname from pg_constraint k join pg_namespace n on n.oid = k.connamespace
                where n.nspname = 'campus' and k.contype = 'f' and k.conparentid = 0 and not exists (
                    select from pg_index i
                    where i.indrelid = k.conrelid
                        and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
                        and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] <@ k.conkey
                )
                """
            )
            #expect(unindexed.isEmpty, "\(unindexed)")
        }
    }

    @Test("Every index leads somewhere: no table has two indexes of which one begins with all of the other")
    func duplicates() async throws {
        try await withDatabase { database in
            let duplicates = try await texts(
                database,
                """
                select a.indexrelid::regclass || ' and ' || b.indexrelid::regclass
                from pg_index a join pg_index b on b.indrelid = a.indrelid and b.indexrelid <> a.indexrelid
                join pg_class c on c.oid = a.indrelid join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'campus' and not c.relispartition and not a.indisunique
                    and a.indexprs is null and b.indexprs is null
                    and a.indpred is not distinct from b.indpred
                    and a.indoption::text = left(b.indoption::text, length(a.indoption::text))
                    and (b.indkey::text = a.indkey::text or b.indkey::text like a.indkey::text || ' %')
                """
            )
            #expect(duplicates.isEmpty, "\(duplicates)")
        }
    }

    @Test("Money is a whole number everywhere, and time has a zone")
    func types() async throws {
        try await withDatabase { database in
            let wrong = try await texts(
                database,
                """
                select table_name || '.' || column_name || ' ' || data_type from information_schema.columns
                where table_schema = 'campus' and (
                    column_name ~ '_fen$' and data_type <> 'bigint'
                    or data_type in ('timestamp without time zone', 'money', 'time with time zone')
                )
                """
            )
            #expect(wrong.isEmpty, "\(wrong)")
        }
    }

    @Test("Whatever belongs to a campus says so")
    func tenancy() async throws {
        try await withDatabase { database in
            // The log's own bookkeeping belongs to no campus; an event, a task, its lane and a timer do.
            let common = """
                ^(tick|schema_version|campus|(orders|after_sales|notifications)_(cursor|member|task_key))$
                """
            let without = try await texts(
                database,
                """
                select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'campus' and c.relkind in ('r', 'p') and not c.relispartition and c.relname !~ \(common)
                    and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'campus_id')
                """
            )
            #expect(without.isEmpty, "\(without)")
        }
    }
}
