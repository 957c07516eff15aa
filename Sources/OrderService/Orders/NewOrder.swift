import HTTPTypes
import Model
import ServiceKit

/// An order that is to be placed: decided, and everything of it that is text written out.
///
/// An object, because a batch hands it on many times and its parts are many.
final class NewOrder: Sendable {
    let transition: OrderTransition
    let key: IdempotencyKey
    let actor: Actor
    let trace: String?
    let lines: JSONText
    let discounts: JSONText
    let dropoff: JSONText
    let client: JSONText?
    let event: JSONText
    /// The answer, stored with it.
    let reply: StoredReply

    /// Writes out the first step of an order's life.
    init(_ transition: OrderTransition, key: IdempotencyKey, actor: Actor, trace: String?) throws {
        let order = transition.order
        let terms = order.terms
        let lines = terms.bill.linesText
        let discounts = terms.bill.discountsText
        let dropoff = terms.dropoff.text
        let text = order.text(for: actor, lines: lines, discounts: discounts, dropoff: dropoff)
        let reply = Reply.json(status: 201, text).etag(order.version).with(.location, "/v1/orders/\(order.id)")
        self.transition = transition
        self.key = key
        self.actor = actor
        self.trace = trace
        self.lines = lines
        self.discounts = discounts
        self.dropoff = dropoff
        client = terms.client?.text
        event = JSONText(bytes: (transition.steps.first?.event?.json ?? .null).serialized())
        self.reply = try StoredReply(reply)
    }

    var order: Order { transition.order }
    var terms: OrderTerms { transition.order.terms }
    var bill: Bill { transition.order.terms.bill }
}
