import Model
import ServiceKit

extension Recipient {
    /// Whose inbox a caller reads: their own, their shop's, or the desk's.
    ///
    /// - Throws: `forbidden` for the platform itself, which has webhooks instead, and for a merchant without a shop.
    init(of principal: Principal) throws(Problem) {
        switch principal.actor.role {
        case .customer: self.init(campus: principal.campus, kind: .customer, id: principal.actor.id)
        case .rider: self.init(campus: principal.campus, kind: .rider, id: principal.actor.id)
        case .agent, .supervisor, .admin: self = .desk(of: principal.campus)
        case .merchant:
            guard let shop = principal.merchantID else {
                throw Problem(.forbidden, "The merchant's token names no shop.")
            }
            self.init(campus: principal.campus, kind: .merchant, id: shop)
        case .platform, .system:
            throw Problem(.forbidden, "The platform has no inbox. Name the user whose inbox it is in X-Actor.")
        }
    }
}

extension Access {
    /// Whoever has an inbox, by their token or by a platform key that states them.
    static let inboxOwners = Access.roles(
        [.customer, .merchant, .rider, .agent, .supervisor, .admin],
        scope: .notificationsRead
    )
    /// Whoever may see webhook endpoints.
    static let webhookReaders = Access.roles([.admin], scope: .notificationsRead)
    /// Whoever may change webhook endpoints.
    static let webhookWriters = Access.roles([.admin], scope: .notificationsWrite)
}
