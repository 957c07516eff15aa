import Model

/// What a platform key may be issued for, for example `orders:write`.
public struct Scope: Hashable, Sendable, RawRepresentable {
    /// The text form: a noun, a colon and a verb.
    public let rawValue: String

    /// A scope by its text form.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Read orders, timelines and positions.
    public static let ordersRead = Scope(rawValue: "orders:read")
    /// Place orders and report everything that happens to them, payments included.
    public static let ordersWrite = Scope(rawValue: "orders:write")
    /// Bring in past orders with their payments and refunds.
    public static let ordersImport = Scope(rawValue: "orders:import")
    /// Read cases, the desk's queue, refunds, what rules may know of persons, and the books of a day.
    public static let afterSalesRead = Scope(rawValue: "after_sales:read")
    /// Open and move cases for a stated actor, report refund results, state and erase what is known of persons.
    public static let afterSalesWrite = Scope(rawValue: "after_sales:write")
    /// Read the event feed, inboxes and streams for a stated actor.
    public static let notificationsRead = Scope(rawValue: "notifications:read")
    /// Manage webhook endpoints and contacts.
    public static let notificationsWrite = Scope(rawValue: "notifications:write")
    /// Export all that is known of one person.
    public static let personsExport = Scope(rawValue: "persons:export")
    /// Advance the clock of a test campus.
    public static let testClock = Scope(rawValue: "test:clock")

    /// Change the settings and the credentials of the campus, and read who did so.
    ///
    /// A key has it only when it was issued with it by name.
    public static let campusAdmin = Scope(rawValue: "campus:admin")

    /// Create other campuses, and list all of them.
    ///
    /// The one scope that reaches beyond the key's own campus: no administrator of a campus hands it on.
    public static let campusesCreate = Scope(rawValue: "campuses:create")

    /// What a key is issued for when nothing is said: everything in its campus but to administer it.
    public static let usual: [Scope] = [
        .ordersRead, .ordersWrite, .ordersImport, .afterSalesRead, .afterSalesWrite, .notificationsRead,
        .notificationsWrite,
        .personsExport, .testClock,
    ]
    /// Everything that can be done in a campus: what its administrators may hand on.
    public static let withinCampus: [Scope] = usual + [.campusAdmin]
    /// Every scope there is.
    public static let all: [Scope] = withinCampus + [.campusesCreate]
}

/// Who may ask for an operation.
public struct Access: Hashable, Sendable {
    /// The roles of users who may; nil is anyone, with no credential at all.
    let roles: Set<Role>?
    /// The scope that a platform key needs; nil is no platform key.
    let scope: Scope?
    /// The query parameter that may stand in for a credential; nil is none.
    var ticketParameter: String?

    /// Anyone, without a credential.
    public static let anyone = Access(roles: nil, scope: nil)

    /// Users of these roles by their token, and platform keys with the scope: for themselves, or for a stated user of these roles.
    public static func roles(_ roles: Set<Role>, scope: Scope) -> Access {
        Access(roles: roles, scope: scope)
    }

    /// Users of these roles by their token only.
    public static func usersOnly(_ roles: Set<Role>) -> Access {
        Access(roles: roles, scope: nil)
    }

    /// The platform by a key with the scope only.
    public static func platform(_ scope: Scope) -> Access {
        Access(roles: [], scope: scope)
    }

    /// The same, or whoever sends this query parameter and no credential: the handler judges it, and ``Call/isByTicket`` is true.
    public func orTicket(in parameter: String) -> Access {
        var copy = self
        copy.ticketParameter = parameter
        return copy
    }

    /// Whether a credential is needed.
    var needsCredential: Bool { roles != nil }

    /// Whether `principal` may; throws `forbidden`, naming what would be needed.
    func check(_ principal: Principal) throws(Problem) {
        guard let roles else { return }
        if principal.key != nil {
            guard let scope else {
                throw Problem(.forbidden, "This operation is for users by their own token, not for platform keys.")
            }
            guard principal.scopes.contains(scope) else {
                throw Problem(.forbidden, "The platform key lacks the scope \(scope.rawValue).")
            }
            if principal.actor.role == .platform { return }
        }
        guard roles.contains(principal.actor.role) else {
            let names = roles.isEmpty ? "the platform itself" : roles.map(\.rawValue).sorted().joined(separator: ", ")
            throw Problem(
                .forbidden,
                "This operation is for \(names); the actor is a \(principal.actor.role.rawValue)."
            )
        }
    }
}
