import Synchronization

/// The instances of one service, and which of them is asked first.
final class Instances: Sendable {
    /// Where they listen, without a slash at the end.
    let addresses: [String]
    private let answeredLast = Mutex(0)

    init(addresses: [String]) {
        self.addresses = addresses
    }

    /// The one that answered last, so that one that is gone is not asked again and again.
    var first: Int { answeredLast.withLock(\.self) }

    /// Remembers that this one answered.
    func noteAnswer(of instance: Int) {
        answeredLast.withLock { $0 = instance }
    }
}
