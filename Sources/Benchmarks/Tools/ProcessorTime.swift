import Foundation

/// Processor seconds that groups of processes have used, read from `/proc`.
struct ProcessorTime {
    /// Seconds by the name of the program.
    private var seconds: [String: Double] = [:]
    private let taken = ContinuousClock.now
    private static let loadGenerator = "load generator"

    /// What every process of these programs has used until now.
    static func now() -> ProcessorTime {
        var reading = ProcessorTime()
        let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where Int32(entry) != nil {
            guard let stat = try? String(contentsOfFile: "/proc/\(entry)/stat", encoding: .utf8),
                let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")")
            else { continue }
            let name = String(stat[stat.index(after: open)..<close])
            let fields = stat[stat.index(after: close)...].split(separator: " ")
            // Fields 14 to 17 of proc(5): own user and system time, and that of children that were waited for.
            guard fields.count > 14 else { continue }
            let times = fields[11...14].map { (Double($0) ?? 0) / ticksPerSecond }
            if name == "Benchmarks" {
                // What it has run to its end is pgbench and wrk.
                reading.seconds[Self.loadGenerator, default: 0] += times[2] + times[3]
                reading.seconds[name, default: 0] += times[0] + times[1]
            } else {
                reading.seconds[name, default: 0] += times.reduce(0, +)
            }
        }
        return reading
    }

    /// Who used how much of one core since then, the programs that count here only.
    func since(_ start: ProcessorTime) -> String {
        let components = (taken - start.taken).components
        let elapsed = Double(components.seconds) + Double(components.attoseconds) / 1e18
        let names = [
            ("postgres", "postgres"), ("OrderService", "orders"), ("AfterSalesServi", "after-sales"),
            ("NotifyService", "notify"), ("Benchmarks", "bench"), (Self.loadGenerator, Self.loadGenerator),
        ]
        return names.compactMap { program, label in
            let used = (seconds[program] ?? 0) - (start.seconds[program] ?? 0)
            return used / elapsed < 0.02 ? nil : String(format: "%@ %.0f %%", label, used / elapsed * 100)
        }
        .joined(separator: ", ")
    }
}

/// The resident memory of a process in bytes; 0 once it is gone.
func residentMemory(of process: Int32) -> Int {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else { return 0 }
    for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
        return (Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0) * 1_024
    }
    return 0
}
