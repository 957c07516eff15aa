import ArgumentParser
import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService
@testable import EventLog
@testable import ServiceKit

@Suite("Work that was given up", .timeLimit(.minutes(5)))
struct GivenUpWorkTests {
    /// Runs a command as an operator would, against the campus's database.
    private func run<Command: AsyncParsableCommand>(
        _ command: Command.Type,
        _ arguments: [String],
        on campus: TestCampus
    ) async throws {
        var parsed = try command.parse(arguments + ["--set", "DATABASE_URL=\(campus.database.url(as: .migrator))"])
        try await parsed.run()
    }

    private func audited(_ campus: TestCampus) async throws -> [String] {
        try await campus.pool.transaction { session in
            try session.query(
                "select action from campus.audit_entry where actor like 'admin:cli%' order by at"
            ) { try $0[0] }
        }
    }

    private func dead(_ campus: TestCampus) async throws -> [DeadTask] {
        try await campus.pool.transaction { try TaskStore(owner: .afterSales).dead(in: $0) }
    }

    /// Kills the task that is to give back the money of a cancelled order: its order is not to be found at first.
    private func killMoneyDue(_ campus: TestCampus) async throws -> OrderFixture {
        let order = OrderFixture(status: .cancelled)
        try await campus.pool.transaction { session in
            try session.execute(
                """
                create function public.kill() returns trigger language plpgsql as
                $$ begin new.max_attempts := 1; return new; end $$
                """
            )
            try session.execute(
                """
                create trigger kill before insert on campus.after_sales_task
                for each row when (new.queue = 'money_due') execute function public.kill()
                """
            )
        }
        let due = RefundDue(paymentID: order.payments[0].id, cause: .cancelled, amount: Money(fen: order.payable))
        try await order.appendDue(due, on: campus)
        try await eventually("the task is dead") { try await dead(campus).count == 1 }
        return order
    }

    @Test("A dead task is listed, replayed by its number, and the money is back")
    func replayTask() async throws {
        try await TestCampus.run { campus in
            let order = try await killMoneyDue(campus)
            try await order.insert(campus)
            let task = try #require(try await dead(campus).first)
            #expect(task.queue == MoneyDue.queue)
            try await run(ListTasksCommand<AfterSales>.self, ["--queue", "money_due", "--json"], on: campus)

            await #expect(throws: (any Error).self) {
                try await run(ReplayTasksCommand<AfterSales>.self, ["\(task.id)", "999999"], on: campus)
            }
            #expect(try await dead(campus).count == 1)
            #expect(try await audited(campus).isEmpty)

            try await run(ReplayTasksCommand<AfterSales>.self, ["\(task.id)"], on: campus)
            try await eventually("the money is back") { try await campus.promised(order.id) == (0, order.payable) }
            #expect(try await dead(campus).isEmpty)
            #expect(try await audited(campus) == ["task.replayed"])
        }
    }

    @Test("All dead tasks of a queue are replayed at once, and one that was settled otherwise is discarded")
    func replayAllAndDiscard() async throws {
        try await TestCampus.run { campus in
            _ = try await killMoneyDue(campus)
            let first = try #require(try await dead(campus).first)
            try await run(ReplayTasksCommand<AfterSales>.self, ["--all", "--queue", "money_due"], on: campus)
            try await eventually("it died again") {
                let dead = try await dead(campus)
                return dead.count == 1 && dead[0].diedAt > first.diedAt
            }
            try await run(DiscardTasksCommand<AfterSales>.self, ["\(first.id)"], on: campus)
            #expect(try await dead(campus).isEmpty)
            #expect(try await audited(campus) == ["task.replayed", "task.discarded"])
        }
    }

    @Test("A parked event is replayed and those behind a discarded one are tried")
    func parkedEvents() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(status: .cancelled).insert(campus)
            try await campus.pool.transaction { session in
                try session.execute(
                    "alter table campus.after_sales_task_key add constraint closed check (false) not valid"
                )
            }
            let due = RefundDue(paymentID: order.payments[0].id, cause: .cancelled, amount: Money(fen: order.payable))
            try await order.appendDue(due, version: 6, on: campus)
            try await order.appendDue(due, version: 7, on: campus)
            try await eventually("both are parked") {
                try await campus.number("select count(*) from campus.after_sales_parked") == 2
            }
            try await campus.pool.transaction { session in
                _ = try session.execute("alter table campus.after_sales_task_key drop constraint closed")
            }
            try await run(ParkedEventsCommand<AfterSales>.self, [], on: campus)
            let group = ["--group", MoneyDueConsumer.group]
            await #expect(throws: (any Error).self) {
                try await run(ReplayEventsCommand<AfterSales>.self, ["--group", "nobody", "--all"], on: campus)
            }
            let first = try await campus.number("select min(event_id) from campus.after_sales_parked")
            try await run(DiscardEventCommand<AfterSales>.self, group + ["\(first)"], on: campus)
            try await eventually("the money is back") { try await campus.promised(order.id) == (0, order.payable) }
            #expect(try await campus.number("select count(*) from campus.after_sales_parked") == 0)
            #expect(try await audited(campus) == ["event.discarded"])
        }
    }

    @Test("What cannot be meant is refused before anything is read", arguments: [[], ["1", "--all"], ["--all"]])
    func badArguments(arguments: [String]) {
        #expect(throws: (any Error).self) { try ReplayTasksCommand<AfterSales>.parse(arguments) }
    }

    @Test("A table's columns are as wide as their widest value")
    func table() {
        var table = TextTable(["ID", "REASON"])
        table.add(["1000", "away"])
        table.add(["7", ""])
        #expect(table.lines == ["ID    REASON", "1000  away", "7"])
    }
}
