import Model

/// What became of an import so far.
struct OrderImport: Hashable, Sendable {
    /// How many of its faults are shown with it.
    static let shownFaults = 20

    /// The platform's name of it.
    var id: String
    /// Every line before this one was judged.
    var nextLine: Int64
    /// How many orders it brought.
    var imported: Int64
    /// How many lines told of an order that was imported before, just so.
    var skipped: Int64
    /// How many lines were not taken, as they were sent last.
    var faulty: Int64
    var createdBy: String
    var createdAt: Timestamp
    var updatedAt: Timestamp
}

/// Names an import within a campus.
struct ImportKey: Hashable, Sendable {
    var campus: CampusID
    var id: String
}
