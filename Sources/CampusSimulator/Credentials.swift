import Foundation
import Model

/// What `make run` leaves behind for whoever wants to talk to the three services.
struct Credentials: Sendable {
    /// Where the instances of each service listen, without a slash at the end; one at least of each.
    struct Addresses: Sendable, Hashable {
        var order: [String]
        var afterSales: [String]
        var notify: [String]
    }

    /// Why a credentials file cannot be used.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    var addresses: Addresses
    /// The campus's code.
    var campus: String
    /// `ck_…`, with every scope, of the one campus.
    var platformKey: String
    /// A user's token for each role.
    var tokens: [String: String]

    /// Credentials for services wherever they listen.
    init(addresses: Addresses, campus: String, platformKey: String, tokens: [String: String]) {
        self.addresses = addresses
        self.campus = campus
        self.platformKey = platformKey
        self.tokens = tokens
    }

    /// Reads the file `make run` writes.
    static func read(path: String) throws -> Credentials {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Fault(description: "no credentials at \(path): start the services with `make run` first")
        }
        return try Credentials(json: JSON(parsing: [UInt8](data)))
    }

    /// Takes the members of the file, naming the one that is missing.
    init(json: JSON) throws(Fault) {
        func text(_ value: JSON?, _ name: String) throws(Fault) -> String {
            guard let text = value?.string, !text.isEmpty else {
                throw Fault(description: "the credentials have no \(name)")
            }
            return text
        }
        addresses = Addresses(
            order: [try text(json["urls"]?["order"], "urls.order")],
            afterSales: [try text(json["urls"]?["after_sales"], "urls.after_sales")],
            notify: [try text(json["urls"]?["notify"], "urls.notify")]
        )
        campus = try text(json["campus"], "campus")
        platformKey = try text(json["platform_key"], "platform_key")
        tokens = [:]
        for member in json["tokens"]?.object?.members ?? [] {
            tokens[member.name] = try text(member.value, "tokens.\(member.name)")
        }
    }
}
