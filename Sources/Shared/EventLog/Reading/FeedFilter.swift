import Model

/// Which events of a campus a feed's reader wants.
public struct FeedFilter: Hashable, Sendable {
    /// Types, or all types of a noun, for example `order.*`; nil is every type.
    public var types: [String]?
    /// Types that it does not get even so.
    public var excludedTypes: [String]
    /// Only what belongs to this; nil is everything.
    public var root: AnyID?

    /// Everything but what is said.
    public init(types: [String]? = nil, excludedTypes: [String] = [], root: AnyID? = nil) {
        self.types = types
        self.excludedTypes = excludedTypes
        self.root = root
    }

    /// Whether much may be passed over before something is found.
    var isSelective: Bool { types != nil || root != nil }
}
