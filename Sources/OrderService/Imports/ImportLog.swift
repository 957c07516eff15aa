import Logging
import ServiceKit

// What this service logs of imports: a line for each request, none for each order.
extension LoggedEvent {
    static let ordersImported = LoggedEvent("orders.imported", .info, "Past orders imported")
    static let ordersImportBrokenOff = LoggedEvent(
        "orders.import_broken_off",
        .notice,
        "Import of past orders broke off; what was taken stays"
    )

    /// Every event of imports, for the documentation.
    static let imports: [LoggedEvent] = [.ordersImported, .ordersImportBrokenOff]
}
