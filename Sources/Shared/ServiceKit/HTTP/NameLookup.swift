import Dispatch
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Asks the system which addresses a name has.
enum NameLookup {
    /// The addresses of a name, the most likely to be reached first (RFC 6724); none when it has none or nobody can say.
    ///
    /// - Throws: `CancellationError`; who asks need not wait for a name server that does not answer.
    @Sendable
    static func addresses(of host: String) async throws -> [SocketAddress] {
        let (answers, answer) = AsyncStream.makeStream(of: [SocketAddress].self)
        // A queue of its own has a thread of its own: however many name servers keep silent, the threads of tasks stay free.
        DispatchQueue(label: "campus.name-lookup").async {
            answer.yield(blockingAddresses(of: host))
            answer.finish()
        }
        for await addresses in answers { return addresses }
        throw CancellationError()
    }

    private static func blockingAddresses(of host: String) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        // One kind of socket, or each address would come once for every kind.
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            guard let address = UnsafeRawPointer(entry.ai_addr) else { continue }
            switch entry.ai_family {
            case AF_INET: addresses.append(SocketAddress(address.load(as: sockaddr_in.self)))
            case AF_INET6: addresses.append(SocketAddress(address.load(as: sockaddr_in6.self)))
            default: continue
            }
        }
        return addresses
    }
}
