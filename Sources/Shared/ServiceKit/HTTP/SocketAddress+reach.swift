import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension SocketAddress {
    /// Whether it lies in the public internet: neither private, link-local, shared, loopback, multicast nor reserved.
    ///
    /// By the IANA registries of special-purpose addresses (RFC 6890). An IPv6 address that stands for an IPv4 one through NAT64
    /// (RFC 6052) is what that one is; one that maps it (RFC 4291 §2.5.5) never comes from a name server and is none.
    var isPublic: Bool {
        switch bytes.count {
        case 4: Self.isPublic(IPv4(truncatingIfNeeded: Self.number(bytes)))
        case 16: Self.isPublic(high: Self.number(bytes.prefix(8)), low: Self.number(bytes.suffix(8)))
        default: false
        }
    }

    /// Whether it is this machine's own.
    var isLoopback: Bool {
        let bytes = bytes
        return bytes.count == 4 ? bytes[0] == 127 : bytes == Array(repeating: 0, count: 15) + [1]
    }

    /// Its four or sixteen bytes in network order; none of a local socket, or of an address that holds in one network alone.
    private var bytes: [UInt8] {
        guard let text = ipAddress else { return [] }
        let isV6 = text.contains(":")
        var bytes: [UInt8] = Array(repeating: 0, count: isV6 ? 16 : 4)
        return inet_pton(isV6 ? AF_INET6 : AF_INET, text, &bytes) == 1 ? bytes : []
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func isPublic(_ address: IPv4) -> Bool {
        !reserved.contains { block, length in address >> (32 - length) == block >> (32 - length) }
    }

    private static func isPublic(high: UInt64, low: UInt64) -> Bool {
        if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 { return isPublic(IPv4(truncatingIfNeeded: low)) }
        // Of all there is, only 2000::/3 is given out.
        return high >> 61 == 1
            && !reservedOfGlobal.contains { block, length in high >> (64 - length) == block >> (64 - length) }
    }

    private typealias IPv4 = UInt32

    private static let reserved: [(block: IPv4, length: IPv4)] = [
        (0x0000_0000, 8),  // this network
        (0x0a00_0000, 8),  // private
        (0x6440_0000, 10),  // shared by customers of a carrier
        (0x7f00_0000, 8),  // loopback
        (0xa9fe_0000, 16),  // link-local, where clouds tell machines their secrets
        (0xac10_0000, 12),  // private
        (0xc000_0000, 24),  // protocol assignments
        (0xc000_0200, 24),  // documentation
        (0xc058_6300, 24),  // relays to IPv6
        (0xc0a8_0000, 16),  // private
        (0xc612_0000, 15),  // benchmarks
        (0xc633_6400, 24),  // documentation
        (0xcb00_7100, 24),  // documentation
        (0xe000_0000, 4),  // multicast
        (0xf000_0000, 4),  // reserved, and broadcast
    ]

    private static let reservedOfGlobal: [(block: UInt64, length: UInt64)] = [
        (0x2001_0000_0000_0000, 23),  // protocol assignments, tunnels among them
        (0x2001_0db8_0000_0000, 32),  // documentation
        (0x2002_0000_0000_0000, 16),  // IPv4 addresses in 6to4
        (0x3fff_0000_0000_0000, 20),  // documentation
    ]
}
