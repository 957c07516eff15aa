import Foundation

/// A connection that sends exactly the bytes it is told to.
public final class RawSocket: Sendable {
    /// The system refused.
    public struct Failure: Error {
        /// Its `errno`.
        public let code: Int32
    }

    private let descriptor: Int32

    /// Connects to a port of this machine.
    public init(port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafeBytes(of: &address) { bytes -> Int32 in
            guard let pointer = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return -1 }
            return connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        guard result == 0 else {
            close(descriptor)
            throw Failure(code: errno)
        }
        var timeout = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Sends all of a text.
    public func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    /// Sends all of these bytes.
    public func send(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            let sent = bytes[offset...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw Failure(code: errno) }
            offset += sent
        }
    }

    /// What arrives until the peer closes, or until `end` is in it.
    public func receive(until end: String?) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                var received: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 16_384)
                while true {
                    let count = recv(self.descriptor, &buffer, buffer.count, 0)
                    if count < 0, errno == EAGAIN { return continuation.resume(throwing: Failure(code: errno)) }
                    guard count > 0 else { break }
                    received += buffer[..<count]
                    if let end, String(decoding: received, as: UTF8.self).contains(end) { break }
                }
                continuation.resume(returning: String(decoding: received, as: UTF8.self))
            }
        }
    }
}
