import Model

extension OrderAction {
    /// Whether it can be asked for in that role at all.
    func isOpen(to role: Role) -> Bool {
        switch (self, role) {
        case (.pay, _): role == .platform
        case (_, .agent), (_, .supervisor), (_, .admin), (_, .platform): true
        case (_, .system): false
        case (.accept, _), (.reject, _), (.ready, _), (.stateLineFacts, _): role == .merchant
        case (.pickUp, _), (.deliver, _): role == .rider
        case (.complete, _): role == .customer
        case (.cancel, _): role == .customer || role == .merchant
        case (.reportException, _): role == .merchant || role == .rider
        }
    }
}

extension Order {
    /// What that actor may do with it as it stands, in the order of an order's life.
    func allowedActions(for actor: Actor) -> [OrderAction] {
        OrderAction.allCases.filter { action in
            action.isOpen(to: actor.role) && isPossible(action, for: actor.role)
        }
    }

    private func isPossible(_ action: OrderAction, for role: Role) -> Bool {
        switch action {
        case .pay: status == .placed && terms.isPaidHere
        case .accept, .reject: status == .paid || (status == .placed && !terms.isPaidHere)
        case .ready: status == .accepted
        case .pickUp: status == .ready || status == .pickedUp
        case .deliver: status == .pickedUp
        case .complete: status == .delivered
        case .cancel:
            switch status {
            case .placed, .paid: role != .merchant
            case .accepted, .ready: role != .customer
            case .pickedUp, .delivered, .completed, .cancelled: false
            }
        case .reportException: status != .completed && status != .cancelled
        case .stateLineFacts: status != .cancelled
        }
    }
}

/// Which orders of a campus somebody sees.
///
/// Everything else does not exist for them.
enum OrderScope: Hashable, Sendable {
    /// All of them.
    case campus
    /// Those that this customer placed.
    case customer(String)
    /// Those of this shop.
    case merchant(String)
    /// Those that this rider carries, and those that wait for a rider.
    case rider(String)

    /// Whether the order is among them.
    func contains(_ order: Order) -> Bool {
        switch self {
        case .campus: true
        case .customer(let id): order.terms.customerID == id
        case .merchant(let id): order.terms.merchant.id == id
        case .rider(let id): order.rider?.id == id || (order.status == .ready && order.rider == nil)
        }
    }
}
