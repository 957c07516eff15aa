import CLibPQ

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A connection whose every wait has a deadline of the client's own, because a dead link never fires the server's.
struct Link: ~Copyable {
    let handle: ConnectionHandle
    private let usesTLS: Bool

    init(_ handle: consuming ConnectionHandle) {
        usesTLS = PQsslInUse(handle.pointer) == 1
        self.handle = handle
    }

    /// Whether libpq knows the connection to be gone.
    var isBroken: Bool { PQstatus(handle.pointer) != CONNECTION_OK }

    /// Whether the socket has something to say although nothing was asked: the server has ended the session.
    ///
    /// What may come unasked from a live server (a notice, a changed parameter) is read and forgotten.
    func hasEnded() -> Bool {
        while poll(POLLIN, timeout: 0) != 0 {
            if PQconsumeInput(handle.pointer) == 0 || isBroken { return true }
            // libpq parses what arrived while idle only when asked; an error message ends with the socket's end,
            // which the next turn reads.
            _ = PQisBusy(handle.pointer)
        }
        return isBroken
    }

    /// Sends everything that is queued.
    ///
    /// - Throws: `LinkFailure` when the connection is gone or the deadline passes.
    func flush(until deadline: MonotonicTime) throws(LinkFailure) {
        while true {
            let pending = PQflush(handle.pointer)
            if pending == 0 { return }
            guard pending > 0 else { throw .broken(handle.message) }
            // The server may be blocked on writing to us; reading lets it go on reading.
            let events = poll(POLLIN | POLLOUT, until: deadline)
            if events == 0 { throw .deadlinePassed }
            if events & POLLIN != 0, PQconsumeInput(handle.pointer) == 0 { throw .broken(handle.message) }
        }
    }

    /// The next result of what was sent; nil at the end of a statement's results.
    ///
    /// - Throws: `LinkFailure` when the connection is gone or the deadline passes.
    func nextResult(until deadline: MonotonicTime) throws(LinkFailure) -> ResultHandle? {
        while PQisBusy(handle.pointer) == 1 {
            if !waitForInput(until: deadline) { throw .deadlinePassed }
            if PQconsumeInput(handle.pointer) == 0 { throw .broken(handle.message) }
        }
        return ResultHandle(owning: PQgetResult(handle.pointer))
    }

    /// Waits until there may be input; false once the deadline has passed.
    private func waitForInput(until deadline: MonotonicTime) -> Bool {
        guard usesTLS else { return poll(POLLIN, until: deadline) != 0 }
        // OpenSSL may hold bytes that the socket no longer shows; looking again now and then finds them.
        let slice = MonotonicTime.now + .milliseconds(100)
        if poll(POLLIN, until: min(slice, deadline)) != 0 { return true }
        return MonotonicTime.now < deadline
    }

    private func poll(_ events: Int32, until deadline: MonotonicTime) -> Int32 {
        poll(events, timeout: deadline.pollTimeout(from: .now))
    }

    /// Waits for one of the events.
    ///
    /// - Returns: what has happened, 0 after the timeout; errors count as input, for reading tells what they are.
    private func poll(_ events: Int32, timeout milliseconds: Int32) -> Int32 {
        var descriptor = pollfd(fd: PQsocket(handle.pointer), events: Int16(events), revents: 0)
        while true {
            let count = Self.systemPoll(&descriptor, milliseconds)
            if count > 0 {
                let errors = Int32(descriptor.revents) & (POLLERR | POLLHUP | POLLNVAL)
                return Int32(descriptor.revents) & events | (errors != 0 ? POLLIN : 0)
            }
            if count == 0 { return 0 }
            if errno != EINTR { return POLLIN }
        }
    }

    private static func systemPoll(_ descriptor: inout pollfd, _ milliseconds: Int32) -> Int32 {
        #if canImport(Darwin)
        Darwin.poll(&descriptor, 1, milliseconds)
        #elseif canImport(Glibc)
        Glibc.poll(&descriptor, 1, milliseconds)
        #elseif canImport(Musl)
        Musl.poll(&descriptor, 1, milliseconds)
        #endif
    }
}

// MARK: Listening

extension Link {
    /// The socket, to wait on with others.
    var descriptor: Int32 { PQsocket(handle.pointer) }

    /// Reads what has arrived.
    ///
    /// - Throws: `LinkFailure` when the connection is gone.
    func readInput() throws(LinkFailure) {
        if PQconsumeInput(handle.pointer) == 0 { throw .broken(handle.message) }
    }

    /// The channel of the next notification that has arrived.
    func nextNotification() -> String? {
        guard let notification = PQnotifies(handle.pointer) else { return nil }
        defer { PQfreemem(notification) }
        return String(cString: notification.pointee.relname)
    }

    /// Runs a statement without values outside pipeline mode, and forgets its rows.
    ///
    /// - Throws: `LinkFailure` when the connection is gone, the deadline passes or the server refuses.
    func execute(_ statement: String, until deadline: MonotonicTime) throws(LinkFailure) {
        guard PQsendQuery(handle.pointer, statement) == 1 else { throw .broken(handle.message) }
        try flush(until: deadline)
        var refusal: LinkFailure?
        while let result = try nextResult(until: deadline) {
            if result.status == PGRES_FATAL_ERROR { refusal = .broken(ServerError(result.pointer).message) }
        }
        if let refusal { throw refusal }
    }
}

/// Why a link carries nothing more.
enum LinkFailure: Error {
    case broken(String)
    case deadlinePassed

    /// The failure as callers see it.
    var connectionFailure: ConnectionFailure {
        switch self {
        case .broken(let message): ConnectionFailure(reason: message.isEmpty ? "the connection is closed" : message)
        case .deadlinePassed: ConnectionFailure(reason: "the server did not answer before the client's deadline")
        }
    }
}
