import Foundation

extension Process {
    /// Starts the program with no signal blocked.
    ///
    /// The threads that run Swift tasks block signals, and a child inherits that: pgbench would never hear its alarm, and a
    /// service never the request to stop.
    func runWithSignals() throws {
        var none = sigset_t()
        var inherited = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &inherited)
        defer { pthread_sigmask(SIG_SETMASK, &inherited, nil) }
        try run()
    }
}
