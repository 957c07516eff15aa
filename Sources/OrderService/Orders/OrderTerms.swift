import Model

/// What was agreed when an order was placed.
///
/// None of it ever changes.
struct OrderTerms: Hashable, Sendable {
    /// The platform's own number, unique in a campus for ever.
    var externalID: String?
    /// The short number called out at the counter.
    var shortNumber: String?
    /// Which platform the order was placed on.
    var source: OrderSource
    /// Who ordered, by the platform's id.
    var customerID: String
    /// The shop.
    var merchant: Merchant
    /// What was ordered and what it costs.
    var bill: Bill
    /// Where it goes.
    var dropoff: Dropoff
    /// What lateness is measured against.
    ///
    /// May lie in the past, when the platform reports late.
    var promisedAt: Timestamp
    /// From where it was ordered.
    ///
    /// Kept for risk rules, shown to nobody.
    var client: Client?
    /// When we heard of it.
    var placedAt: Timestamp

    /// Whether its money is ours to refund: orders of other platforms are paid there.
    var isPaidHere: Bool { source == .own }
}

/// The shop of an order.
struct Merchant: Hashable, Sendable {
    /// The platform's id of it.
    var id: String
    /// Its name at the time.
    var name: String
}

/// Where an order goes.
struct Dropoff: Hashable, Sendable {
    /// In words.
    var address: String
    /// Degrees north.
    var latitude: Double?
    /// Degrees east.
    var longitude: Double?
}

/// From where an order was placed.
struct Client: Hashable, Sendable {
    /// The network address.
    var address: String?
    /// The platform's id of the device.
    var deviceID: String?
}
