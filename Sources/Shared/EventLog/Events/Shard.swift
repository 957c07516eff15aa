import Model

/// A sixteenth of all roots: everything about one order lies in one shard and is consumed in order.
enum Shard {
    /// How many there are; the tables' shard columns agree.
    static let count = 16

    /// All of them, in order.
    static let all = (0..<Int16(count)).map { $0 }

    /// The shard of a root: the last four bits of its id, which are random in a UUIDv7.
    static func of(_ root: AnyID) -> Int16 {
        Int16(root.low & 15)
    }

    /// How many shards `member` should hold when these members are alive.
    ///
    /// Every member computes the same split: the first ones by name take one more where the division leaves a rest.
    static func fairShare(of member: String, among members: [String]) -> Int {
        let others = Set(members).union([member]).sorted()
        guard let rank = others.firstIndex(of: member) else { return 0 }
        return count / others.count + (rank < count % others.count ? 1 : 0)
    }
}
