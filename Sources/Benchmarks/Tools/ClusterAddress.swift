import Foundation

/// How to reach the private cluster, and its databases.
struct ClusterAddress: Sendable {
    private let components: URLComponents

    /// Of a `postgresql://` connection string.
    init(url: String) throws {
        guard let components = URLComponents(string: url), components.scheme?.hasPrefix("postgres") == true else {
            throw CocoaError(.fileReadUnknown, userInfo: [NSDebugDescriptionErrorKey: "not a connection string"])
        }
        self.components = components
    }

    /// The connection string.
    var url: String { components.string ?? "" }

    /// The same cluster, that database, as that user.
    func database(_ name: String, user: String? = nil) -> ClusterAddress {
        var copy = components
        copy.path = "/" + name
        if let user { copy.user = user }
        return ClusterAddress(components: copy)
    }

    private init(components: URLComponents) {
        self.components = components
    }
}
