/// An error whose description never holds personal data or secrets, so that logs and tables may quote it.
public protocol SafelyDescribedError: Error, CustomStringConvertible {}

extension Error {
    /// The description, where it may be quoted; nil where it might hold what was being read or sent.
    ///
    /// It may be quoted of a ``SafelyDescribedError``, and of an enumeration's case without values, which has nothing to tell.
    public var safeDescription: String? {
        if self is any SafelyDescribedError { return "\(self)" }
        let mirror = Mirror(reflecting: self)
        return mirror.displayStyle == .enum && mirror.children.isEmpty ? "\(self)" : nil
    }
}
