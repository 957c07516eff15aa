/// The three services, by what tells them apart.
enum ServiceName: String, CaseIterable, Sendable {
    case order = "OrderService"
    case afterSales = "AfterSalesService"
    case notify = "NotifyService"

    /// The database role that it logs in as.
    var role: String {
        switch self {
        case .order: "order_service"
        case .afterSales: "after_sales_service"
        case .notify: "notify_service"
        }
    }
}
