import Schema

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The passwords that `migrate` sets.
enum RolePasswords {
    /// Those in the environment: for each role its name in capitals and `_PASSWORD`.
    static func environment() -> [ServiceRole: String] {
        var passwords: [ServiceRole: String] = [:]
        for role in ServiceRole.allCases {
            guard let value = getenv(role.rawValue.uppercased() + "_PASSWORD").map({ String(cString: $0) }) else {
                continue
            }
            if !value.isEmpty { passwords[role] = value }
        }
        return passwords
    }
}
