import Foundation
import Logging
import Model
import TestSupport

@testable import ServiceKit

/// A log into a file, read back as lines.
final class LogCapture: Sendable {
    let log: ServiceLog
    private let path: String
    private let descriptor: Int32

    init(level: Logger.Level = .trace, format: LogFormat = .json, clock: any WallClock = ManualClock()) {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)").path
        descriptor = open(path, O_CREAT | O_RDWR | O_APPEND, 0o600)
        log = ServiceLog(service: "probe", level: level, format: format, descriptor: descriptor, clock: clock)
    }

    deinit {
        close(descriptor)
        try? FileManager.default.removeItem(atPath: path)
    }

    var logger: Logger { log.logger }

    /// Everything written so far.
    var text: String {
        log.sink.flush()
        return (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    /// Every line, as JSON.
    var lines: [JSON] {
        text.split(separator: "\n").map { (try? JSON(parsing: String($0))) ?? .null }
    }

    /// The lines of one event.
    func lines(of event: String) -> [JSON] {
        lines.filter { $0["event"]?.string == event }
    }
}
