/// A login that the first migration creates.
public enum ServiceRole: String, CaseIterable, Sendable {
    /// Migrates; becomes the owner of the schema to do so.
    case migrator = "campus_migrator"
    /// OrderService's.
    case orders = "order_service"
    /// AfterSalesService's.
    case afterSales = "after_sales_service"
    /// NotifyService's.
    case notifications = "notify_service"
}
