/// A stream of the event log.
///
/// Its raw value names its NOTIFY channel and prefixes the tables of the service that writes it.
public enum EventStream: String, CaseIterable, Hashable, Sendable {
    /// Written by OrderService.
    case orders
    /// Written by AfterSalesService.
    case afterSales = "after_sales"
    /// Written by NotifyService.
    case notifications
}
