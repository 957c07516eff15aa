import Model

/// In which capacity somebody is told something.
enum RecipientKind: String, CaseIterable, Hashable, Sendable, Comparable {
    /// A student, by the platform's id.
    case customer
    /// A shop, by the platform's id.
    case merchant
    /// Who carries the order, by the platform's id.
    case rider
    /// The one feed that all desk staff of a campus share.
    case desk

    static func < (left: RecipientKind, right: RecipientKind) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Whose inbox it is.
///
/// Inbox numbers count for each recipient on its own.
struct Recipient: Hashable, Sendable {
    /// The campus.
    let campus: CampusID
    /// In which capacity.
    let kind: RecipientKind
    /// The platform's id of them; `desk` for the desk.
    let id: String

    /// The recipient of that kind with the platform's id.
    init(campus: CampusID, kind: RecipientKind, id: String) {
        self.campus = campus
        self.kind = kind
        self.id = id
    }

    /// The feed that all desk staff of a campus share.
    static func desk(of campus: CampusID) -> Recipient {
        Recipient(campus: campus, kind: .desk, id: "desk")
    }
}
