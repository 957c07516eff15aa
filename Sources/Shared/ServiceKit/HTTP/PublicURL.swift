import FoundationEssentials

/// An address of the public internet that a campus names for us to call, as far as its text can tell.
///
/// It is `https` and names a host. What its name resolves to is judged whenever it is called, by ``PublicHTTPClient``.
public struct PublicURL: Hashable, Sendable {
    /// Why a text is no such address, in words for the client's developer.
    public struct Fault: Error, Hashable {
        /// Completes the sentence "the URL …".
        public let detail: String
    }

    /// The address, as it was written.
    public let text: String

    /// Reads an address.
    ///
    /// - `allowsLoopback`: whether this machine itself may be an address, also without TLS: for development only.
    public init(_ text: String, allowsLoopback: Bool) throws(Fault) {
        guard let components = URLComponents(string: text), let scheme = components.scheme?.lowercased(),
            let host = components.encodedHost?.lowercased(), !host.isEmpty
        else { throw Fault(detail: "must be an absolute http or https URL") }
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Fault(detail: "must be written in ASCII")
        }
        guard components.user == nil, components.password == nil else {
            throw Fault(detail: "must not hold a user or password")
        }
        guard components.fragment == nil else { throw Fault(detail: "must not have a fragment") }
        guard components.port.map({ (1...65_535).contains($0) }) ?? true else {
            throw Fault(detail: "must have a port between 1 and 65535")
        }
        if !(allowsLoopback && Self.isLoopback(host)) {
            guard scheme == "https" else { throw Fault(detail: "must be an https URL") }
            guard Self.isName(host) else {
                throw Fault(detail: "must name a host of the public internet, not an address")
            }
        } else {
            guard scheme == "https" || scheme == "http" else { throw Fault(detail: "must be an http or https URL") }
        }
        self.text = text
    }

    private static func isLoopback(_ host: String) -> Bool {
        ["localhost", "127.0.0.1", "[::1]", "::1"].contains(host)
    }

    /// Whether it is a name with at least two labels that is not reserved for private use.
    ///
    /// A last label that begins with a digit makes resolvers read the whole as an IPv4 address, in forms such as `127.1` and
    /// `0x7f000001`; no top-level domain does.
    private static func isName(_ host: String) -> Bool {
        let labels = (host.hasSuffix(".") ? host.dropLast() : host[...]).split(
            separator: ".",
            omittingEmptySubsequences: false
        )
        guard labels.count >= 2, host.utf8.count <= 253, let last = labels.last else { return false }
        let isWellFormed = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                }
        }
        // RFC 6761, 6762, 8375 and the names that private networks use by habit.
        let privateEndings: Set<Substring> = [
            "localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "test", "invalid",
        ]
        return isWellFormed && last.utf8.first.map { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } == true
            && !privateEndings.contains(last)
    }
}
