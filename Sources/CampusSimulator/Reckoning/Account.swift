/// Everything that was seen of one lunch, from every side, gathered when it was over.
struct Account: Sendable {
    /// An order as the order service tells it.
    struct Order: Sendable {
        var plan: OrderPlan
        var id: String
        /// Who ordered, as a recipient: `customer:stu_1`.
        var customer: String
        /// Who cooks, as a recipient: `merchant:mer_1`.
        var merchant: String
        var status: String
        var payableFen: Int64
        /// What the service says was paid for it.
        var paidFen: Int64
        /// The type of each change, by version.
        var changes: [Int64: String]
    }

    /// A payment as the payment channel booked it, split over the orders that it covers.
    struct Payment: Sendable {
        var orderNumber: Int
        var fen: Int64
    }

    /// A refund as the after-sales service tells it.
    struct Refund: Sendable {
        var id: String
        var orderNumber: Int
        var fen: Int64
        var status: String
    }

    /// A case as the after-sales service tells it.
    struct Case: Sendable {
        var id: String
        var orderNumber: Int
        /// Whether the service opened it itself, because money was due back.
        var isSystem: Bool
        /// What its student was told, by a rule or by an agent; nil while nobody has decided.
        var verdict: String?
        /// What was approved, 0 when it was refused.
        var approvedFen: Int64
    }

    /// What the agent meant to give back for an order.
    struct Ruling: Sendable {
        var orderNumber: Int
        var fen: Int64
    }

    /// One recipient's inbox, as filed and as streamed.
    struct Inbox: Sendable {
        /// Whose, for example `customer:stu_1`.
        var recipient: String
        /// The last number before lunch.
        var before: Int64
        /// The event of each number, as the inbox lists them.
        var filed: [Int64: String]
        /// The numbers in the order in which the stream brought them, all its connections together.
        var streamed: [Int64]
    }

    /// One event as the platform was told of it.
    struct Event: Sendable {
        var id: String
        var type: String
        var orderID: String?
        /// The refund, the case or the order that it is about.
        var subjectID: String
        /// What a decision says.
        var verdict: String?
        /// The version of the order, case or refund that it made.
        var version: Int64
        /// The customer concerned.
        var customerID: String?
    }

    var orders: [Order]
    var payments: [Payment]
    var refunds: [Refund]
    var cases: [Case]
    var rulings: [Ruling]
    var inboxes: [Inbox]
    /// The distinct events that webhooks told.
    var events: [Event]
    /// The events that the notify service says it owed to the webhook endpoint.
    var webhooksOwed: Set<String>
    /// How often each event arrived at the webhook receiver with a valid signature, refused attempts not counted.
    var webhookDeliveries: [String: Int]
    /// Attempts that the receiver refused on purpose, to see them come again.
    var webhookRefusals: Int
    /// Deliveries whose signature did not verify.
    var webhookForgeries: Int
    /// Reconnections of all streams together.
    var streamResumes: Int
    /// Requests sent again because a service was away.
    var requestRepeats: Int
    /// Answers that no story calls for.
    var unexpected: [String]
}
