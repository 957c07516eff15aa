import Foundation
import Synchronization
import TestSupport

@testable import CampusSimulator

/// One run of a real executable, its output in a file.
final class ServiceProcess: Sendable {
    /// Where executables are built; a release build has them elsewhere.
    static let products: URL = {
        if let folder = ProcessInfo.processInfo.environment["SYSTEM_TESTS_PRODUCTS"] { return URL(filePath: folder) }
        return Repository.root.appending(path: ".build/debug")
    }()

    /// What it wrote to its standard output.
    let output: URL
    /// What it wrote to its standard error.
    let errors: URL
    private let process: Process
    private let exit = Watched<Int32?>(nil)

    /// Starts it.
    ///
    /// - Throws: when there is no such executable.
    init(_ product: String, _ arguments: [String], environment: [String: String], logs: URL, name: String) throws {
        output = logs.appending(path: "\(name).out")
        errors = logs.appending(path: "\(name).err")
        for file in [output, errors] where !FileManager.default.fileExists(atPath: file.path) {
            guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
                throw CocoaError(.fileWriteUnknown)
            }
        }
        process = Process()
        // As the kernel names it: `.build/debug` is a link.
        let executable = Self.products.appending(path: product).resolvingSymlinksInPath()
        process.executableURL = executable
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"].merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.appending(to: output)
        process.standardError = try Self.appending(to: errors)
        let exit = exit
        process.terminationHandler = { ended in
            ProcessList.remove(ended.processIdentifier)
            exit.update { $0 = ended.terminationStatus }
        }
        try process.run()
        ProcessList.add(process.processIdentifier, executable: executable.path)
        if !process.isRunning { ProcessList.remove(process.processIdentifier) }
    }

    private static func appending(to file: URL) throws -> FileHandle {
        let handle = try FileHandle(forWritingTo: file)
        try handle.seekToEnd()
        return handle
    }

    /// Its exit code, or the signal that ended it; nil while it runs.
    var exitStatus: Int32? { exit.value }
    /// Its lines so far.
    var lines: [String] { Self.lines(of: output) }
    /// What it complained about so far.
    var complaints: [String] { Self.lines(of: errors) }

    /// Sends it a signal.
    func signal(_ number: Int32) {
        guard exitStatus == nil else { return }
        Foundation.kill(process.processIdentifier, number)
    }

    /// Waits for its end.
    ///
    /// - Returns: its exit code; nil when it still runs after `timeout`.
    func waitForExit(atMost timeout: Duration) async -> Int32? {
        _ = await exit.wait(atMost: timeout) { $0 != nil }
        return exitStatus
    }

    private static func lines(of file: URL) -> [String] {
        let data = FileManager.default.contents(atPath: file.path) ?? Data()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
