/// Ports that nobody listens at.
public enum FreePort {
    /// A port of the loopback that was free a moment ago.
    ///
    /// - Throws: when there is none.
    public static func take() throws -> Int {
        let listener = try ListeningSocket()
        return listener.port
    }
}
