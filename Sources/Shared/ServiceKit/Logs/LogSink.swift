import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where log lines go: a bounded buffer, emptied into a file descriptor by a thread of its own.
///
/// Whoever logs never waits for the output. When the output is slower than the lines come, the buffer fills and further lines are dropped
/// and counted; the count is written as a line as soon as there is room.
public final class LogSink: Sendable {
    private struct Buffer {
        var bytes: [UInt8] = []
        var isWriterAwake = false
        /// Since the last report.
        var unreported: UInt64 = 0
        var dropped: UInt64 = 0
    }

    private let buffer = Mutex(Buffer())
    private let descriptor: Int32
    private let capacity: Int
    private let writer: DispatchQueue
    private let report: @Sendable (_ dropped: UInt64) -> [UInt8]

    /// A sink over a file descriptor, which stays the caller's.
    ///
    /// - Parameters:
    ///   - descriptor: where to write; 1 is standard output.
    ///   - capacity: how many bytes may wait to be written.
    ///   - report: the line that says how many were dropped.
    public init(
        descriptor: Int32 = 1,
        capacity: Int = 4 << 20,
        report: @escaping @Sendable (_ dropped: UInt64) -> [UInt8]
    ) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.report = report
        // A serial queue that blocks has a thread to itself; the cooperative pool never waits for the output.
        writer = DispatchQueue(label: "log-writer", qos: .utility)
    }

    /// How many lines were dropped since the start.
    public var dropped: UInt64 { buffer.withLock(\.dropped) }

    /// Takes a line, which ends with a newline; drops it when the buffer is full.
    public func write(_ line: [UInt8]) {
        let wakes = buffer.withLock { buffer in
            if buffer.bytes.count + line.count > capacity {
                buffer.dropped += 1
                buffer.unreported += 1
                return false
            }
            buffer.bytes.append(contentsOf: line)
            guard !buffer.isWriterAwake else { return false }
            buffer.isWriterAwake = true
            return true
        }
        if wakes { writer.async { self.drain() } }
    }

    /// Waits until everything taken so far is written.
    ///
    /// Blocks the thread: for the end of the process only.
    public func flush() {
        writer.sync {}
        writer.sync { self.drain() }
    }

    private func drain() {
        while let bytes = takeAll() { writeAll(bytes) }
    }

    private func takeAll() -> [UInt8]? {
        let (bytes, unreported) = buffer.withLock { buffer in
            var bytes: [UInt8] = []
            swap(&bytes, &buffer.bytes)
            let unreported = buffer.unreported
            buffer.unreported = 0
            buffer.isWriterAwake = !bytes.isEmpty || unreported > 0
            return (bytes, unreported)
        }
        if unreported > 0 { return bytes + report(unreported) }
        return bytes.isEmpty ? nil : bytes
    }

    private func writeAll(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let written = systemWrite(descriptor, buffer[offset...])
                if written > 0 {
                    offset += written
                } else if errno == EAGAIN {
                    waitUntilWritable()
                } else if errno != EINTR {
                    // The output is gone; there is nowhere left to say so.
                    return
                }
            }
        }
    }

    private func waitUntilWritable() {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&request, 1, 1_000)
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: Slice<UnsafeRawBufferPointer>) -> Int {
    let rebased = UnsafeRawBufferPointer(rebasing: bytes)
    return write(descriptor, rebased.baseAddress, rebased.count)
}
