import ServiceKit

// What OrderService can be told about imports.
extension Setting where Value == Int {
    /// The most bytes of one request to import orders.
    static let importBodyLimit = Setting.integer(
        "IMPORT_BODY_LIMIT",
        default: 4_294_967_296,
        65_536...1_099_511_627_776,
        "How many bytes one request to import past orders may have; an import may have several."
    )
    /// The most imports in hand.
    static let importsAtOnce = Setting.integer(
        "IMPORTS_AT_ONCE",
        default: 4,
        1...100,
        "How many requests to import past orders a process takes in at once; one campus may have three quarters of them."
    )
}
