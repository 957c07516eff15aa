import ArgumentParser
import Foundation
import HTTPTypes
import HummingbirdTesting
import Model
import NIOCore
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("The books of a day", .timeLimit(.minutes(5)))
struct ReconciliationTests {
    private func sha256(_ lines: some Sequence<String>, _ end: String) -> String {
        SHA256Digest(of: Array(lines.map { $0 + end }.joined().utf8)).bytes
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("A day lists what moved, with who bears it, in three forms, each with its digest")
    func forms() async throws {
        try await Books.atNoon { books in
            let payment = PaymentFixture(channel: .delegated, outTradeNumber: "T1", merchantAccount: "m1")
            let (order, refund) = try await books.refunded(
                payment,
                discounts: [DiscountFixture(funder: .platform, shares: [.line(1): 200])],
                result: ["channel_refund_id": "50300", "destination": "balance"]
            )
            let open = try await books.read()
            #expect(open.status == 409)
            #expect(open.code == "day-not-closed")
            #expect(open["closes_at"] == .string((books.noon + .seconds(12 * 3_600 + 900)).rfc3339))
            let wait = open.headers[.retryAfter].flatMap { Int($0) }
            #expect(wait.map((43_000...44_100).contains) == true, "\(wait ?? 0)")
            try await books.close()

            let rows = try await books.rows()
            #expect(rows.count == 2)
            let paid = rows[0]
            #expect(paid["kind"] == "payment" && paid["status"] == "paid")
            #expect(paid["order_id"] == .string(order.id.description))
            #expect(paid["transaction_id"] == .string(payment.transaction))
            #expect(paid["out_trade_no"] == "T1" && paid["mchid"] == "m1")
            #expect(paid["amount_fen"] == .integer(order.payable) && paid["belongs_to"] == .null)
            let back = rows[1]
            #expect(back["kind"] == "refund" && back["status"] == "succeeded")
            #expect(back["out_refund_no"] == refund["out_refund_no"])
            #expect(back["channel_refund_id"] == "50300" && back["destination"] == "balance")
            // The shop gives back the lines and the packaging, and to the platform what that had funded; the platform the delivery.
            #expect(back["merchant_fen"] == 2_800 && back["platform_fen"] == 100)
            #expect(back["campus_fen"] == 0 && back["unapplied_fen"] == 0)
            #expect(back["amount_fen"] == .integer(order.payable))

            let lines = try await books.lines()
            let trailer = try JSON(parsing: lines[2])
            let digest = self.sha256(lines.dropLast(), "\n")
            #expect(trailer["kind"] == "trailer" && trailer["rows"] == 2)
            #expect(
                trailer["payment_fen"] == .integer(order.payable) && trailer["refund_fen"] == .integer(order.payable)
            )
            #expect(trailer["sha256"] == .string(digest))
            let ndjson = try await books.campus.download(books.path(), accept: "application/x-ndjson")
            #expect(ndjson.headers[.contentType] == "application/x-ndjson")
            #expect(ndjson.header("X-Reconciliation-SHA256") == digest)

            let csv = try await books.campus.download(
                books.path(),
                accept: "text/html;q=0.5, text/csv;q=0.9, application/json;q=0.1"
            )
            #expect(csv.headers[.contentType] == "text/csv")
            let text = String(decoding: csv.bytes, as: UTF8.self)
            let table = text.split(separator: "\r\n").map(String.init)
            #expect(table.count == 4)
            #expect(table[0] == ReconciliationColumn.allCases.map(\.rawValue).joined(separator: ","))
            let csvDigest = self.sha256(table.dropLast(), "\r\n")
            #expect(csv.header("X-Reconciliation-SHA256") == csvDigest)
            #expect(table[3].hasPrefix("trailer,rows:2,\(books.day)") && table[3].contains("sha256:\(csvDigest)"))
            let records = try CSV.records(of: text)
            #expect(records.allSatisfy { $0.fields.count == ReconciliationColumn.allCases.count })
            for (record, row) in zip(records.dropFirst(), rows) {
                for (field, column) in zip(record.fields, ReconciliationColumn.allCases) {
                    let value = row[column.rawValue]
                    #expect(field == value?.string ?? value?.integer.map(String.init) ?? "", "\(column)")
                }
            }
            let page = try await books.read("?limit=1")
            #expect(page["rows"] == 2 && page["items"]?.array == [paid])
            #expect(page["sha256"]?["ndjson"] == .string(digest) && page["sha256"]?["csv"] == .string(csvDigest))
            let cursor = try #require(page["next_cursor"]?.string)
            let next = try await books.read("?limit=1&cursor=\(cursor)")
            #expect(next["items"]?.array == [back] && next["next_cursor"] == .null)
        }
    }

    @Test("A closed day never changes; what is known later is in a later day and says where it belongs")
    func frozen() async throws {
        try await Books.atNoon { books in
            let campus = books.campus
            // Paid a day before it was reported.
            let early = PaymentFixture(channel: .delegated, reportedAfter: 86_400)
            _ = try await books.refunded(early)
            try await books.close()
            let before = try await books.read("?format=ndjson")
            #expect(
                try await books.rows().first?["belongs_to"]?.string
                    == CampusCalendar.Day(number: books.day.number - 1).description
            )

            // One was stamped within the day and committed after it was closed; one is a payment of that day reported now.
            var slow = OrderFixture(payments: [PaymentFixture(channel: .delegated, transaction: "slow")])
            slow.now = books.noon
            try await slow.insert(campus)
            var late = OrderFixture(payments: [
                PaymentFixture(channel: .delegated, transaction: "late", reportedAfter: 43_200)
            ])
            late.now = books.noon + .seconds(14 * 3_600)
            try await late.insert(campus)
            let after = try await books.read("?format=ndjson")
            #expect(after.bytes == before.bytes)

            try await books.close(after: 1)
            let next = try await books.rows(of: CampusCalendar.Day(number: books.day.number + 1))
            #expect(next.map { $0["transaction_id"] } == ["slow", "late"])
            #expect(next.allSatisfy { $0["belongs_to"] == .string(books.day.description) })
            #expect(try await books.read("?format=ndjson").bytes == before.bytes)
            // Days on which nothing happened are closed too.
            let days = try await campus.number(
                "select count(*) from campus.reconciliation_day where campus_id = \(campus.id)"
            )
            #expect(days == 3)
            try await books.close(after: 3)
            #expect(try await books.rows(of: CampusCalendar.Day(number: books.day.number + 3)) == [])
        }
    }

    @Test("What a past order was paid before it came is in no day; what is paid for it from then on is")
    func imported() async throws {
        try await Books.atNoon { books in
            let campus = books.campus
            var order = OrderFixture(payments: [
                PaymentFixture(
                    channel: .delegated,
                    transaction: "before",
                    amount: 1_000,
                    purpose: "partial",
                    isImported: true
                ), PaymentFixture(channel: .delegated, transaction: "since", amount: 1_900),
            ])
            order.now = books.noon
            try await order.insert(campus)
            try await order.insertImport(campus)
            try await books.close()
            #expect(try await books.rows().map { $0["transaction_id"] } == ["since"])
            let day = try await books.read()
            #expect(day["rows"] == 1 && day["payment_fen"] == 1_900)
        }
    }

    @Test("A refund that was given up, and money that moved all the same, both stand in the books")
    func released() async throws {
        try await Books.atNoon { books in
            let campus = books.campus
            var order = OrderFixture(minutesLate: 20, payments: [PaymentFixture(channel: .delegated)])
            order.now = books.noon
            try await order.insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            let path = "/v1/refunds/\(opened["refund"]?["id"]?.string ?? "")"
            try await eventually("the platform is asked") {
                try await campus.send(.get, path)["status"] == "submitting"
            }
            _ = try await campus.send(.post, path + "/result", ["result": "failed", "code": "F"])
            #expect(try await campus.send(.post, path + "/void", as: "supervisor:boss").status == 200)
            let paid: JSON = ["result": "succeeded", "amount_fen": .integer(order.payable)]
            #expect(try await campus.send(.post, path + "/result", paid)["outcome"] == "contradictory")
            try await books.close()
            let rows = try await books.rows()
            #expect(rows.map { $0["status"] } == ["paid", "closed", "paid_though_released"])
            #expect(try await books.read()["refund_fen"] == .integer(order.payable))
        }
    }

    @Test("A large day is sent whole, in order, each fact once, also when many became known at one moment")
    func large() async throws {
        try await Books.atNoon { books in
            let campus = books.campus
            let order = OrderFixture(status: .placed, payments: [], now: books.noon)
            try await order.insert(campus)
            try await campus.pool.transaction { session in
                try session.execute(
                    """
                    with p as (
                        insert into campus.payment (campus_id, id, channel, transaction_id, amount_fen, paid_at, created_at)
                        select \(campus.id), gen_random_uuid(), 'delegated', 'bulk-' || n, 100, \(books.noon), \(books.noon)
                        from generate_series(1, 2300) n returning id
                    )
                    insert into campus.payment_allocation (campus_id, payment_id, order_id, amount_fen, purpose)
                    select \(campus.id), id, \(order.id), 100, 'excess' from p
                    """
                )
            }
            try await books.close()
            let rows = try await books.rows()
            #expect(rows.count == 2_300)
            #expect(Set(rows.compactMap { $0["transaction_id"]?.string }).count == 2_300)
            #expect(try await books.read()["payment_fen"] == 230_000)
        }
    }

    @Test("Whoever asks at once closes a day once; who comes too early is told to ask again")
    func closing() async throws {
        try await Books.atNoon { books in
            _ = try await books.refunded()
            try await books.pass()
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        var last: Answer?
                        try await eventually("the day is sent") {
                            let answer = try await books.read("?format=csv")
                            last = answer
                            #expect(answer.status == 200 || answer.headers[.retryAfter] != nil, "\(answer.body)")
                            return answer.status == 200
                        }
                        return try #require(last)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.map(\.bytes)).count == 1)
            #expect(try await books.campus.number("select count(*) from campus.reconciliation_row") == 2)
        }
    }

    @Test("A request waits for nobody who closes a day")
    func busy() async throws {
        try await Books.atNoon { books in
            try await books.close()
            try await books.pass(1)
            let next = CampusCalendar.Day(number: books.day.number + 1)
            let key = Int32(truncatingIfNeeded: books.campus.id.low)
            let other = try books.campus.database.pool(as: .superuser, size: 1)
            try await other.autocommit { session in try session.execute("select pg_advisory_lock(7321, \(key))") }
            let refused = try await books.read(of: next)
            #expect(refused.status == 409 && refused.code == "day-not-closed")
            #expect(refused.headers[.retryAfter] == "1")
            try await other.autocommit { session in try session.execute("select pg_advisory_unlock(7321, \(key))") }
            #expect(try await books.read(of: next).status == 200)
        }
    }

    @Test("A request closes one day at most, and says when to ask again while earlier ones are open")
    func backlog() async throws {
        try await Books.atNoon { books in
            try await books.pass(30)
            let last = CampusCalendar.Day(number: books.day.number + 30)
            let refused = try await books.read(of: last)
            #expect(refused.status == 409 && refused.code == "day-not-closed")
            // The campus is from the day before; that day is closed now, and 30 more come before this one.
            #expect(refused.headers[.retryAfter] == "31")
            #expect(try await books.campus.number("select count(*) from campus.reconciliation_day") == 1)
            #expect(try await books.read().headers[.retryAfter] == nil)
            #expect(try await books.campus.number("select count(*) from campus.reconciliation_day") == 2)
            try await books.close(after: 30)
            #expect(try await books.read(of: last).status == 200)
            #expect(try await books.campus.number("select count(*) from campus.reconciliation_day") == 32)
        }
    }

    @Test("Money that became known late is compared with the day on which it moved, once that is known")
    func late() async throws {
        try await Books.atNoon { books in
            let campus = books.campus
            try await books.close()
            // Reported two minutes after midnight, by its word made two minutes before, and never made.
            let midnight = books.noon + .seconds(12 * 3_600)
            var order = OrderFixture(payments: [
                PaymentFixture(channel: .delegated, transaction: "late", reportedAfter: 240)
            ])
            order.now = midnight + .seconds(3_600 + 120)
            try await order.insert(campus)
            #expect(try await books.compare([]).differences == [])
            try await books.close(after: 1)

            let report = try await books.compare([])
            #expect(report.differences.map(\.kind) == [.missingWithThem])
            #expect(report.differences.map(\.key) == [.payment("late")])
            #expect(report.lateCount == 1 && report.json["rows"]?["ours_in_other_days"] == 1)
            let listed = "payment,late,,\(order.payable),paid"
            #expect(try await books.compare([listed]).differences == [])

            let next = CampusCalendar.Day(number: books.day.number + 1)
            for lines in [[], [listed]] {
                let later = try await books.compare(lines, of: next)
                #expect(later.differences == [])
                #expect(later.compareAgain == [books.day: 1])
                #expect(later.lines.last?.hasPrefix("compare \(books.day) again") == true)
                #expect(
                    later.json["compare_again"] == [["date": .string(books.day.description), "rows": 1]]
                )
            }
        }
    }

    @Test("What was paid and paid back before an order came here is known when the platform lists it")
    func past() async throws {
        try await Books.atNoon { books in
            let campus = books.campus
            var order = OrderFixture(payments: [
                PaymentFixture(channel: .delegated, transaction: "before", isImported: true)
            ])
            order.now = books.noon
            try await order.insert(campus)
            try await order.insertImport(campus)
            try await order.insertPastRefund("P1", ["line:1": 1_500], on: campus.id, campus.orders)
            try await books.close()
            let payment = "payment,before,,\(order.payable),paid"
            #expect(try await books.compare([payment, "refund,,P1,1500,success"]).differences == [])
            #expect(try await books.compare([]).differences == [])
            let dearer = try await books.compare([payment, "refund,,P1,1501,success"]).differences
            #expect(dearer.map(\.kind) == [.amountDiffers])
        }
    }

    @Test("Only staff in charge and the platform read it, each of their own campus, and only what can be a day")
    func access() async throws {
        try await Books.atNoon { books in
            let campus = books.campus
            _ = try await books.refunded()
            try await books.close()
            for actor in ["customer:stu_1", "merchant:m_1", "rider:r_1", "agent:kf_1"] {
                #expect(try await campus.send(.get, books.path(), as: actor).status == 403, "\(actor)")
            }
            for actor in ["supervisor:boss", "admin:boss"] {
                #expect(try await campus.send(.get, books.path(), as: actor).status == 200, "\(actor)")
            }
            let elsewhere = try await campus.other()
            try await elsewhere.moveClock(to: books.noon + .seconds(86_400))
            try await eventually("the other campus's day is closed") {
                let theirs = try await elsewhere.send(.get, books.path())
                return theirs.status == 200 && theirs["rows"] == 0
            }
            for day in ["2026-02-30", "0000-01-01", "1969-12-31", "1970-01-01", "today", "2020-01-01"] {
                #expect(try await campus.send(.get, "/v1/reconciliation/\(day)").status == 404, "\(day)")
            }
            #expect(try await campus.send(.get, "/v1/reconciliation/9999-12-31").code == "day-not-closed")
            #expect(try await books.read("?format=xml").pointers == ["/format"])
            let cursor = Cursor([.integer(-1)]).text
            #expect(try await books.read("?cursor=\(cursor)").pointers == ["/cursor"])
            #expect(try await campus.download(books.path(), accept: "text/html").status == 406)
        }
    }

    @Test("The database keeps closed days, and each fact in one of them")
    func guards() async throws {
        try await Books.atNoon { books in
            _ = try await books.refunded()
            try await books.close()
            #expect(try await books.read().status == 200)
            let pool = try books.campus.database.pool(as: .afterSalesService, size: 1)
            for statement in [
                "update campus.reconciliation_row set line = ''", "delete from campus.reconciliation_row",
                "update campus.reconciliation_day set closed_at = now()", "delete from campus.reconciliation_day",
            ] {
                await #expect {
                    try await pool.transaction { session in _ = try session.execute(SQL(stringLiteral: statement)) }
                } throws: { ($0 as? PostgresError)?.sqlState == .insufficientPrivilege }
            }
            await #expect {
                try await pool.transaction { session in
                    _ = try session.execute(
                        """
                        insert into campus.reconciliation_row (campus_id, day, number, fact, line)
                        select campus_id, day, 3, fact, line from campus.reconciliation_row where number = 1
                        """
                    )
                }
            } throws: { ($0 as? PostgresError)?.constraint == "reconciliation_fact_once" }
        }
    }

    @Test("The command says by its status whether both books agree")
    func command() async throws {
        try await Books.atNoon { books in
            _ = try await books.refunded(PaymentFixture(channel: .delegated, transaction: "=t,1"))
            let code: String = try await books.campus.pool.transaction { session in
                try session.one("select code from campus.campus where id = \(books.campus.id)") { try $0[0] }
            }
            let folder = FileManager.default.temporaryDirectory.appending(path: "reconcile-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }

            func run(_ text: String, _ format: String = "text") async throws -> Int32 {
                let file = folder.appending(path: UUID().uuidString)
                try Data(text.utf8).write(to: file)
                let command = try ReconcileCommand.parse([
                    "--campus", code, "--date", books.day.description, "--file", file.path, "--format", format,
                    "--set", "DATABASE_URL=\(books.campus.database.url())",
                ])
                do {
                    try await command.run()
                    return 0
                } catch let status as ExitCode {
                    return status.rawValue
                }
            }
            #expect(try await run("") == 2)
            try await books.close()
            for form in ["csv", "ndjson"] {
                let own = try await books.read("?format=\(form)")
                #expect(try await run(String(decoding: own.bytes, as: UTF8.self)) == 0, "\(form)")
            }
            let header = "kind,transaction_id,out_refund_no,amount_fen,status\n"
            #expect(try await run(header, "json") == 1)
            #expect(try await run(header + "refund,,R1,x,succeeded\n") == 2)
            #expect(try await run("\"") == 2)
            let huge = "kind,transaction_id,amount_fen,status,external_id\n"
            #expect(try await run(huge + "payment,t,\(Int64.max),paid,A\npayment,t,1,paid,B\n") == 2)
        }
    }
}

extension Answer {
    fileprivate func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { headers[$0] }
    }
}
