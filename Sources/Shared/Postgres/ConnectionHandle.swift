import CLibPQ

/// The owner of one of libpq's connections; finished exactly once, also when connecting failed.
struct ConnectionHandle: ~Copyable {
    let pointer: OpaquePointer

    private init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    /// Connects, blocking the thread; libpq's `connect_timeout` bounds it for each host.
    ///
    /// - Parameter parameters: libpq's keywords and their values.
    /// - Returns: a connection that works.
    /// - Throws: `PostgresError.connectionFailed`.
    static func connect(_ parameters: [(keyword: String, value: String)]) throws -> ConnectionHandle {
        let keywords = CStringList(parameters.map(\.keyword))
        let values = CStringList(parameters.map(\.value))
        // The last argument lets `dbname` be a connection string, which later keywords override.
        guard let pointer = PQconnectdbParams(keywords.pointers, values.pointers, 1) else {
            throw PostgresError.connectionFailed(ConnectionFailure(reason: "out of memory"))
        }
        // Owned from here on, so that a connection that failed is finished too.
        let handle = ConnectionHandle(owning: pointer)
        guard PQstatus(pointer) == CONNECTION_OK else {
            throw PostgresError.connectionFailed(ConnectionFailure(reason: handle.message))
        }
        _ = PQsetNoticeProcessor(pointer, { _, _ in }, nil)
        guard PQsetnonblocking(pointer, 1) == 0 else {
            throw PostgresError.connectionFailed(ConnectionFailure(reason: "the socket stays blocking"))
        }
        return handle
    }

    deinit {
        PQfinish(pointer)
    }

    /// What libpq last had to say, on one line.
    var message: String {
        guard let text = PQerrorMessage(pointer) else { return "" }
        return String(cString: text).split(whereSeparator: \.isNewline).joined(separator: "; ")
    }
}

/// Strings in the form that C wants lists of them: pointers, NULL at the end.
private final class CStringList {
    let pointers: UnsafeMutablePointer<UnsafePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() {
            let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: string.utf8.count + 1)
            _ = copy.initialize(from: string.utf8CString)
            pointers.advanced(by: index).initialize(to: copy.baseAddress.map { UnsafePointer($0) })
        }
        pointers.advanced(by: count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { pointers[index]?.deallocate() }
        pointers.deallocate()
    }
}

/// What it takes to cancel a connection's statement from any thread.
///
/// `@unchecked Sendable`: libpq only reads the structure while cancelling, and documents `PQcancel` as thread-safe.
final class CancelKey: @unchecked Sendable {
    private let pointer: OpaquePointer

    init?(of connection: borrowing ConnectionHandle) {
        guard let pointer = PQgetCancel(connection.pointer) else { return nil }
        self.pointer = pointer
    }

    deinit {
        PQfreeCancel(pointer)
    }

    /// Asks the server to cancel what the connection runs; blocks until the server has acted on it, or cannot be reached.
    func cancel() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
            _ = PQcancel(pointer, message.baseAddress, Int32(message.count))
        }
    }
}
