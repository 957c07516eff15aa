import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The folders of this process's clusters, which vanish with it; those of processes that were killed are swept up.
enum ClusterFolder {
    /// `/tmp/campus-tests-{user}/{process}-{number}`; short, for a socket's path is limited.
    static let root = "/tmp/campus-tests-\(getuid())"

    private struct State {
        var made: [String] = []
        var count = 0
        var isPrepared = false
    }

    private static let state = Mutex(State())

    /// Where a data folder is kept to be copied.
    static let template = "\(root)/template"

    /// A folder for a cluster that does not exist yet.
    static func make() -> String {
        let (folder, mustPrepare) = state.withLock { state in
            defer { state.isPrepared = true }
            state.count += 1
            let folder = "\(root)/\(getpid())-\(state.count)"
            state.made.append(folder)
            return (folder, !state.isPrepared)
        }
        if mustPrepare {
            try? FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            sweep()
            atexit { ClusterFolder.removeAll() }
        }
        return folder
    }

    /// Forgets a folder that has been removed.
    static func forget(_ folder: String) {
        state.withLock { $0.made.removeAll { $0 == folder } }
    }

    private static func removeAll() {
        for folder in state.withLock({ $0.made }) { ClusterScript.runBlocking("destroy", folder) }
    }

    /// Destroys the clusters of processes that no longer are.
    private static func sweep() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? [] {
            guard let process = name.split(separator: "-").first.flatMap({ pid_t($0) }) else { continue }
            if kill(process, 0) != 0 && errno == ESRCH { ClusterScript.runBlocking("destroy", "\(root)/\(name)") }
        }
    }
}
