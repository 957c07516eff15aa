import ArgumentParser
import Foundation
import Model

/// Places orders at a steady rate and says how long the answers took.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Places and pays orders at a steady rate and prints how long the answers took.",
        discussion: "Each order starts at its time whether or not earlier ones are answered, so that waiting shows."
    )

    @Option(help: "Orders per second.")
    var rate = 50.0

    @Option(help: "For how many seconds.")
    var duration = 10.0

    @Option(help: "The file that `make run` writes.")
    var credentials = ".local/credentials.json"

    @Option(help: "Tells this load from another.")
    var seed: UInt64 = 1

    func validate() throws {
        guard rate > 0, rate <= 10_000 else { throw ValidationError("--rate must be up to 10000") }
        guard duration > 0, duration <= 3_600 else { throw ValidationError("--duration must be up to 3600") }
    }

    func run() async throws {
        let access = try Credentials.read(path: credentials)
        try await CampusAccess.with(access, patience: .seconds(10)) { campus in try await load(campus) }
    }

    private func load(_ campus: CampusAccess) async throws {
        let plan = LunchPlan(count: max(1, Int(rate * duration)), over: .seconds(duration), seed: seed)
        let cast = Cast(run: DemoCommand.runName(at: Date()))
        let clock = CampusClock(campusNow: try await TestClock(campus: campus, run: cast.run).now())
        let till = PaymentDesk(cast: cast, campus: campus)
        let start = ContinuousClock.now
        let answers = await withTaskGroup(of: Duration?.self) { group in
            for order in plan.orders {
                group.addTask {
                    let due = start + order.startsAfter
                    try? await Task.sleep(until: due)
                    let student = Student(id: cast.student(order.student), cast: cast, campus: campus)
                    guard let placed = try? await student.place(order, promisedAt: clock.now() + .seconds(1_800)) else {
                        return nil
                    }
                    let answered = ContinuousClock.now - due
                    guard (try? await till.take(placed.payableFen, for: placed)) != nil else { return nil }
                    return answered
                }
            }
            return await group.reduce(into: [Duration?]()) { $0.append($1) }
        }
        let elapsed = ContinuousClock.now - start
        let times = answers.compactMap(\.self).sorted()
        let console = Console(plain: true)
        console.write("placed and paid \(times.count) of \(answers.count) in \(elapsed)")
        if !times.isEmpty {
            let figures = [50, 95, 99].map { "p\($0) \(times[(times.count - 1) * $0 / 100].milliseconds) ms" }
            console.write("POST /v1/orders from its due time: " + figures.joined(separator: ", "))
        }
        for fault in campus.mishaps.unexpected.prefix(5) { console.write("  \(fault)") }
        guard times.count == answers.count else { throw ExitCode(1) }
    }
}
