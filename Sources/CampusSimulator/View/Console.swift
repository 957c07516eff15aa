import Foundation

/// Where the lunch is shown: a terminal that can be redrawn, or anything that takes lines.
struct Console: Sendable {
    /// Whether what was written can be drawn over.
    let isTerminal: Bool

    /// - Parameter plain: Lines only, also on a terminal.
    init(plain: Bool) {
        isTerminal = !plain && isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// Rows and columns of the terminal.
    var size: (rows: Int, columns: Int) {
        var window = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_row > 0, window.ws_col > 0 else {
            return (24, 80)
        }
        return (Int(window.ws_row), Int(window.ws_col))
    }

    /// Writes a line, or several.
    func write(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    /// Replaces what the terminal shows by these lines.
    func redraw(_ lines: [String]) {
        let body = lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n")
        FileHandle.standardOutput.write(Data(("\u{1B}[H" + body + "\u{1B}[J\r\n").utf8))
    }

    /// Clears the terminal before the first redraw.
    func clear() {
        FileHandle.standardOutput.write(Data("\u{1B}[2J\u{1B}[H".utf8))
    }
}
