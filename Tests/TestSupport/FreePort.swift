import NIOCore
import NIOPosix

/// Ports that nobody listens at.
enum FreePort {
    /// A port of the loopback that was free a moment ago.
    static func take() async throws -> Int {
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port
        try await channel.close()
        guard let port else { throw ChannelError.unknownLocalAddress }
        return port
    }
}
