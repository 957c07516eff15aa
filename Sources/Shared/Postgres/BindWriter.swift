/// Collects the binary forms of values, big-endian as the protocol wants them.
///
/// A type that is encodable appends its bytes, or says that it is NULL, or that it cannot be sent.
public struct BindWriter: Sendable {
    /// What has been written.
    private(set) var bytes: [UInt8] = []
    /// Why the values cannot be sent, if they cannot; the first reason stands.
    private(set) var fault: String?
    private var wroteNull = false

    mutating func reserveCapacity(_ count: Int) {
        bytes.reserveCapacity(count)
    }

    /// Writes one value, and says whether it is NULL.
    mutating func write(_ value: some PostgresEncodable) -> Bool {
        value.encode(into: &self)
        defer { wroteNull = false }
        return wroteNull
    }

    mutating func append(_ other: BindWriter) {
        bytes += other.bytes
        fault = fault ?? other.fault
    }

    /// Says that the value is NULL; nothing else may be written for it.
    public mutating func writeNull() {
        wroteNull = true
    }

    /// Says that the value cannot be sent; the statement will throw `PostgresError.invalidParameter` before anything is.
    ///
    /// - Parameter reason: why, without quoting the value.
    public mutating func refuse(_ reason: String) {
        fault = fault ?? reason
    }

    /// Appends one byte.
    public mutating func write(byte: UInt8) {
        bytes.append(byte)
    }

    /// Appends an integer, most significant byte first.
    public mutating func write(integer: some FixedWidthInteger) {
        withUnsafeBytes(of: integer.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Appends bytes as they are.
    public mutating func write(bytes more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    /// Appends text in UTF-8; the server has no way to store a NUL, so a text with one is refused.
    public mutating func write(text: String) {
        var text = text
        text.withUTF8 { utf8 in
            if utf8.contains(0) {
                refuse("a text holds a NUL character")
            }
            bytes.append(contentsOf: utf8)
        }
    }

    /// Appends an element of an array: its length and its bytes, or -1 for NULL.
    mutating func write(element: some PostgresEncodable) -> Bool {
        let position = bytes.count
        write(integer: Int32(0))
        let isNull = write(element)
        overwrite(at: position, with: isNull ? -1 : Int32(bytes.count - position - 4))
        return isNull
    }

    /// Replaces four bytes written earlier.
    mutating func overwrite(at position: Int, with integer: Int32) {
        withUnsafeBytes(of: integer.bigEndian) { new in
            for offset in 0..<4 { bytes[position + offset] = new[offset] }
        }
    }
}
