import ArgumentParser
import Logging

/// `make bench`: measures what is promised of speed and memory, each figure beside its limit, in one run.
@main
struct Benchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Benchmarks",
        abstract: "Measures the services on this machine, each figure beside its limit.",
        discussion: """
            Run it through `make bench`, which starts a private Postgres cluster of its own and builds for release. Figures \
            that miss their limit are marked, and the exit code is 1 then.
            """
    )

    @Option(help: "How long each rate is measured, in seconds (1 to 60).")
    var seconds = 5

    @Option(help: "Only the measures whose names contain this.")
    var only = ""

    @Option(help: "The superuser's connection string of the private cluster.")
    var cluster: String

    @Option(help: "Where the services' executables are.")
    var executables: String

    @Option(help: "Where the services' logs go.")
    var logs: String

    func validate() throws {
        guard (1...60).contains(seconds) else { throw ValidationError("--seconds must lie between 1 and 60") }
    }

    func run() async throws {
        LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
        let bench = Bench(
            seconds: seconds,
            cluster: try ClusterAddress(url: cluster),
            executables: executables,
            logs: logs
        )
        var report = Report()
        for measure in Measure.all where only.isEmpty || measure.name.contains(only) {
            do {
                for row in try await measure.run(bench) { report.add(row) }
            } catch {
                report.add(Row(measure: measure.name, failure: String(describing: error)))
            }
        }
        report.finish()
        if report.missed > 0 { throw ExitCode(1) }
    }
}
