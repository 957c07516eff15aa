import ArgumentParser
import FoundationEssentials
import Logging
import Model
import Postgres
import ServiceKit

/// Compares the platform's own books of a day with ours.
struct ReconcileCommand: AsyncParsableCommand {
    static let name = "reconcile"
    static let configuration = CommandConfiguration(
        commandName: name,
        abstract: "Compare the platform's own books of a campus day with ours, and name each difference.",
        discussion: """
            The file is CSV with a header, or a JSON object a line, with the columns kind (payment, refund), transaction_id, \
            out_refund_no, amount_fen and status, and external_id where a payment is for several orders. It lists what moved on that day in \
            campus time. Ends with 0 when both agree, 1 when they differ, 2 when they could not be compared.
            """
    )

    /// What it ends with when the two differ.
    static let differing = ExitCode(1)
    /// What it ends with when they could not be compared.
    static let notCompared = ExitCode(2)

    /// How the differences are written.
    enum Form: String, CaseIterable, ExpressibleByArgument {
        case text
        case json
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "The campus's short name.")
    var campus: String

    @Option(help: "The day in campus time, for example 2026-03-01.")
    var date: String

    @Option(help: ArgumentHelp("The platform's books: CSV or NDJSON.", valueName: "path"))
    var file: String

    @Option(help: "How to write the differences: a table for people, or JSON.")
    var format = Form.text

    func validate() throws {
        guard CampusCalendar.Day(date) != nil else { throw ValidationError("--date is not a day such as 2026-03-01.") }
    }

    func run() async throws {
        let report: ComparisonReport
        do {
            report = try await compared()
        } catch {
            Terminal.say("Error: \(error.safeDescription ?? "the comparison failed")")
            throw Self.notCompared
        }
        switch format {
        case .text: for line in report.lines { Terminal.answer(line) }
        case .json: Terminal.answer(report.json.text)
        }
        if !report.differences.isEmpty { throw Self.differing }
    }

    private func compared() async throws -> ComparisonReport {
        let theirs = try entries()
        guard let day = CampusCalendar.Day(date) else { throw CommandFailure("--date is not a day.") }
        return try await OperatorSession<AfterSales>.run(options) { operating in
            let directory = CampusDirectory(pool: operating.pool, clock: SystemWallClock(), logger: operating.logger)
            guard let campus = try await directory.campus(code: campus) else {
                throw CommandFailure("There is no campus \(self.campus).")
            }
            let found = try await operating.pool.transaction { session in
                try ReconciliationStore().find(day, of: campus.id, in: session)
            }
            guard let found else {
                throw CommandFailure(
                    "The books of \(day) are not closed yet. A running AfterSalesService closes them soon after the day's end."
                )
            }
            let report: ComparisonReport
            do {
                let options = TransactionOptions(isolation: .repeatableRead, isReadOnly: true)
                report = try await operating.pool.transaction(options) { session in
                    try CompareDay()(found, of: campus.code, with: theirs, in: session)
                }
            } catch is MoneyOverflow {
                throw CommandFailure("\(file): the amounts of one payment sum to more than 64 bits hold.")
            }
            if !report.differences.isEmpty { report.log(operating.logger) }
            return report
        }
    }

    private func entries() throws -> [PlatformEntry] {
        guard let data = try? Data(contentsOf: URL(filePath: file)) else {
            throw CommandFailure("\(file) cannot be read.")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw CommandFailure("\(file) is not UTF-8.")
        }
        do {
            return try PlatformFile(text).entries
        } catch {
            let faults = error.faults.prefix(20).map { "line \($0.line) \($0.reason)" }
            let more = error.faults.count > 20 ? "; and \(error.faults.count - 20) more" : ""
            throw CommandFailure("\(file): \(faults.joined(separator: "; "))\(more).")
        }
    }
}
