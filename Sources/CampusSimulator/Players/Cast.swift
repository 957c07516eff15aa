import Model

/// The people of one lunch.
///
/// Their ids carry the run, so that each lunch starts with empty inboxes.
struct Cast: Sendable {
    /// Tells this run from every other on the same campus.
    let run: String

    /// The platform's id of a student, from 0.
    func student(_ index: Int) -> String { "stu_\(run)_\(index + 1)" }
    /// The platform's id of a stall, from 0.
    func merchant(_ index: Int) -> String { "mer_\(run)_\(index + 1)" }
    /// The platform's id of a rider, from 0.
    func rider(_ index: Int) -> String { "rid_\(run)_\(index + 1)" }
    /// The platform's own number of an order.
    func externalID(of order: OrderPlan) -> String { "lunch-\(run)-\(order.number)" }
    /// An idempotency key: one for each step of each order.
    func key(_ order: OrderPlan, _ step: String) -> String { "\(run)-\(order.number)-\(step)" }
}
