import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The processes that this one has started and that must not outlive it, written down where a later run finds them.
///
/// Each is a file `{root}/processes/{parent}-{child}` that holds the path of its executable.
public enum ProcessList {
    private static let folder = "\(ClusterFolder.root)/processes"
    private static let children = Mutex<Set<Int32>>([])
    private static let prepared: Void = {
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        sweep()
        atexit { ProcessList.killAll() }
    }()

    /// Writes down a process that was just started.
    public static func add(_ process: Int32, executable: String) {
        _ = prepared
        children.withLock { _ = $0.insert(process) }
        try? Data(executable.utf8).write(to: URL(filePath: file(of: process, parent: getpid())))
    }

    /// Strikes out a process that has ended.
    public static func remove(_ process: Int32) {
        children.withLock { _ = $0.remove(process) }
        try? FileManager.default.removeItem(atPath: file(of: process, parent: getpid()))
    }

    private static func file(of process: Int32, parent: Int32) -> String { "\(folder)/\(parent)-\(process)" }

    private static func killAll() {
        for process in children.withLock(\.self) {
            kill(process, SIGKILL)
            try? FileManager.default.removeItem(atPath: file(of: process, parent: getpid()))
        }
    }

    /// Ends what processes of tests that were killed have left running.
    private static func sweep() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let numbers = name.split(separator: "-").compactMap { Int32($0) }
            guard numbers.count == 2, !isRunning(numbers[0]) else { continue }
            let executable = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            // Its number may be somebody else's by now.
            if let executable, runs(numbers[1], executable) { kill(numbers[1], SIGKILL) }
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    private static func isRunning(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno != ESRCH }

    /// Whether that process runs that executable, built anew since or not; false where the system does not tell.
    private static func runs(_ process: Int32, _ executable: String) -> Bool {
        let running = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
        return running == executable || running == "\(executable) (deleted)"
    }
}
