import ArgumentParser
import Foundation
import Logging

/// Plays a canteen lunch and reckons it up.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Plays a canteen lunch on running services, shows it as it moves, and reckons it up.",
        discussion: """
            Most orders go well; some are late, never accepted, cancelled, paid twice or spilled, and students ask for
            their money back. At the end the orders, the money and every notification must add up, else the exit code
            is not 0. The campus must be a test campus: its clock is advanced at the end, past the deadlines of the
            orders that nobody answered.
            """
    )

    @Option(help: "How many orders, from 1 to 100000.")
    var orders = 200

    @Option(help: "From the first order to the last, in seconds.")
    var seconds = 60.0

    @Option(help: "Orders per second; stands in for --seconds.")
    var rate: Double?

    @Option(help: "The file that `make run` writes.")
    var credentials = ".local/credentials.json"

    @Option(help: "Tells this lunch from another: the same seed plays the same stories.")
    var seed: UInt64 = 1

    @Option(help: "How long to wait for what is owed when all have played, in seconds.")
    var settle = 60.0

    @Flag(help: "Lines instead of a table that is redrawn.")
    var plain = false

    func validate() throws {
        guard (1...100_000).contains(orders) else { throw ValidationError("--orders must be from 1 to 100000") }
        guard seconds >= 0, seconds <= 86_400 else { throw ValidationError("--seconds must be from 0 to 86400") }
        guard settle > 0, settle <= 3_600 else { throw ValidationError("--settle must be up to 3600") }
        if let rate, rate <= 0 { throw ValidationError("--rate must be more than 0") }
    }

    func run() async throws {
        let console = Console(plain: plain)
        let access = try Credentials.read(path: credentials)
        let reckoning = try await untilInterrupted {
            try await CampusAccess.with(access) { campus in Reckoning(try await play(on: campus, console)) }
        }
        console.write(reckoning.text())
        guard reckoning.balances else { throw ExitCode(1) }
    }

    private func play(on campus: CampusAccess, _ console: Console) async throws -> Account {
        let plan = LunchPlan(count: orders, over: .seconds(rate.map { Double(orders) / $0 } ?? seconds), seed: seed)
        let cast = Cast(run: Self.runName(at: Date()))
        var options = Lunch.Options()
        options.settling = .seconds(settle)
        let lunch = Lunch(plan: plan, cast: cast, campus: campus, options: options, logger: .quiet)
        let view = BoardView(
            board: lunch.board,
            planned: orders,
            heading: "校园午餐 canteen lunch · \(campus.credentials.campus) · seed \(seed) · run \(cast.run)",
            console: console
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await view.run() }
            let account = try await lunch.play()
            group.cancelAll()
            return account
        }
    }

    /// Short, and later for a later run.
    static func runName(at date: Date) -> String {
        String(Int(date.timeIntervalSince1970 * 10), radix: 36)
    }
}

extension Logger {
    /// For libraries: only what ends it, to stderr, so that the table stays whole.
    static var quiet: Logger {
        var logger = Logger(label: "campus-simulator") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        return logger
    }
}
