/// Who logs in.
public enum TestRole: String, Sendable {
    /// The cluster's superuser.
    case superuser = "postgres"
    /// Who migrates.
    case migrator = "campus_migrator"
    /// OrderService.
    case orderService = "order_service"
    /// AfterSalesService.
    case afterSalesService = "after_sales_service"
    /// NotifyService.
    case notifyService = "notify_service"
}
