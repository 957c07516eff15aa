/// One step of the schema: a file of `Migrations/`, embedded in the program.
///
/// Once released, a file is never edited; the next step is a new file and a new line in ``all``.
public struct Migration: Sendable {
    /// Its number: the version of the schema once it has run.
    public let version: Int
    /// Its file's name without number and ending.
    public let name: String
    /// The oldest service that may still work on the database once it has run: the version that the service was built with.
    ///
    /// A rolling deployment needs the services of the version before to go on working, so this rises one release after the code
    /// stopped using what the step removes.
    public let minimumCompatible: Int
    /// Its statements.
    public let script: String

    /// Describes a step.
    public init(version: Int, name: String, minimumCompatible: Int = 1, script: String) {
        self.version = version
        self.name = name
        self.minimumCompatible = minimumCompatible
        self.script = script
    }

    private init(_ version: Int, _ name: String, minimumCompatible: Int = 1, _ bytes: [UInt8]) {
        self.init(
            version: version,
            name: name,
            minimumCompatible: minimumCompatible,
            script: String(decoding: bytes, as: UTF8.self)
        )
    }

    /// All steps, in order.
    public static let all: [Migration] = [
        Migration(1, "roles_and_schema", PackageResources.M0001_roles_and_schema_sql),
        Migration(2, "event_log", PackageResources.M0002_event_log_sql),
        Migration(3, "campus_and_keys", PackageResources.M0003_campus_and_keys_sql),
        Migration(10, "orders", PackageResources.M0010_orders_sql),
        Migration(20, "after_sales", PackageResources.M0020_after_sales_sql),
        Migration(30, "notifications", PackageResources.M0030_notifications_sql),
        Migration(50, "delegated_refunds", PackageResources.M0050_delegated_refunds_sql),
        Migration(51, "reconciliation", PackageResources.M0051_reconciliation_sql),
        Migration(52, "event_feed", PackageResources.M0052_event_feed_sql),
        Migration(53, "parties", PackageResources.M0053_parties_sql),
        Migration(54, "contacts", PackageResources.M0054_contacts_sql),
        Migration(55, "privacy", PackageResources.M0055_privacy_sql),
        Migration(56, "campus_administration", PackageResources.M0056_campus_administration_sql),
        Migration(57, "import", PackageResources.M0057_import_sql),
        Migration(58, "campus_creation", PackageResources.M0058_campus_creation_sql),
        Migration(59, "erasure", PackageResources.M0059_erasure_sql),
        Migration(60, "books", PackageResources.M0060_books_sql),
        Migration(61, "notify", PackageResources.M0061_notify_sql),
    ]
}
