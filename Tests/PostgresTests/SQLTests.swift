import Model
import Testing

@testable import Postgres

@Suite("Statements and their values")
struct SQLTests {
    @Test("What is interpolated becomes a bind")
    func binds() {
        let name = "'; drop table campus.orders; --"
        let sql: SQL = "select \(name), \(7), \(nil as Int64?)"
        #expect(sql.text == "select $1, $2, $3")
        #expect(sql.binds.map(\.type) == [25, 20, 20])
        #expect(sql.binds.map(\.isNull) == [false, false, true])
    }

    @Test("Statements within statements renumber their binds, whatever else looks like one")
    func composes() {
        let inner: SQL = "b = \(2) and c <> '$1' and d = \(3)"
        let sql: SQL = "select '$1' where a = \(1) and \(inner) or \(inner) limit \(4)"
        #expect(
            sql.text
                == "select '$1' where a = $1 and b = $2 and c <> '$1' and d = $3 or b = $4 and c <> '$1' and d = $5 limit $6"
        )
        #expect(sql.binds.count == 6)
        let sum = inner + ", " + inner
        #expect(sum.text == "b = $1 and c <> '$1' and d = $2, b = $3 and c <> '$1' and d = $4")
    }

    @Test("Ten binds and more are renumbered by their whole number")
    func composesManyBinds() {
        var list: SQL = "0"
        for number in 1...12 { list += ", \(number)" }
        let sql: SQL = "\(true), \(list)."
        #expect(sql.text == "$1, 0, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13.")
    }

    @Test("Identifiers are plain, or refused")
    func identifiers() throws {
        let sql: SQL = "select * from campus.\(identifier: SQLIdentifier("orders_event"))"
        #expect(sql.text == "select * from campus.orders_event")
        #expect(sql.binds.isEmpty)
        for bad in ["", "Orders", "a-b", "1a", "a\"b", "a;b", String(repeating: "a", count: 64), "é"] {
            expectThrows(PostgresError.self) { try SQLIdentifier(validating: bad) }
        }
        _ = try SQLIdentifier(validating: "_a1")
    }

    @Test("Describing a statement shows neither text nor values")
    func describesNothing() {
        let phone = "13800138000"
        let sql: SQL = "select 'secret' where phone = \(phone)"
        #expect(!"\(sql)".contains("secret") && !"\(sql)".contains(phone))
        #expect(!String(reflecting: sql).contains(phone))
    }

    @Test("A server's error shows its values only when debugged")
    func errorsDescribeNoValues() {
        let error = PostgresError.server(
            ServerError(
                sqlState: .uniqueViolation,
                message: "duplicate key value 13800138000",
                detail: "Key (phone)=(13800138000) already exists.",
                table: "contact",
                constraint: "contact_phone_key"
            )
        )
        #expect("\(error)" == "server error 23505 constraint=contact_phone_key table=contact")
        #expect(String(reflecting: error).contains("13800138000"))
        #expect(error.constraint == "contact_phone_key")
        #expect(error.sqlState == .uniqueViolation)
        #expect(error.retryAfter == nil)
    }

    @Test("A connection string that is none is refused without being quoted")
    func refusesNonsense() {
        #expect {
            _ = try ConnectionConfiguration(url: "postgresql://user:s3cret@host:port:port/db?nonsense=1")
        } throws: { error in
            !String(reflecting: error).contains("s3cret")
        }
    }

    @Test("A configuration shows where and who, and no password")
    func configurationHidesPassword() throws {
        let configuration = try ConnectionConfiguration(url: "postgresql://anna:s3cret@a,b:5433/campus")
        #expect(
            "\(configuration)" == "host=a,b port=5433 dbname=campus user=anna"
                || "\(configuration)".contains("user=anna")
        )
        #expect(!"\(configuration)".contains("s3cret"))
    }

    @Test("How many rows are wanted is text, so that a plan knows it")
    func writesRowCount() {
        let wanted = 3
        let sql: SQL = "select \(7) limit \(rows: wanted + 1)"
        #expect(sql.text == "select $1 limit 4")
        #expect(sql.binds.count == 1)
    }

    @Test("The settings of the URL come after ours, and win")
    func mergesOptions() throws {
        var configuration = try ConnectionConfiguration(url: "postgresql://a@b/c?options=-c%20statement_timeout%3D9")
        configuration.lockTimeout = .milliseconds(200)
        configuration.sessionSettings = ["search_path": "a b"]
        let options = configuration.parameters.last { $0.keyword == "options" }?.value
        #expect(
            options
                == "-c idle_in_transaction_session_timeout=2000 -c lock_timeout=200 -c search_path=a\\ b "
                + "-c statement_timeout=5000 -c timezone=UTC -c statement_timeout=9"
        )
    }
}
