import Foundation

/// The folder of the sources, for tests that hold its files against the code.
public enum Repository {
    /// Where it is.
    public static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// What a file of it says.
    ///
    /// - Parameter path: where it is, from the root.
    /// - Returns: its text.
    /// - Throws: when it cannot be read.
    public static func text(of path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
}
