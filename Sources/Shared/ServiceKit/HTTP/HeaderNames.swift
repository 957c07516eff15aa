import HTTPTypes

extension HTTPField.Name {
    /// `X-Request-Id`: names a request in answers and logs.
    public static let requestID = HTTPField.Name.trusted("X-Request-Id")
    /// `X-Actor`: the user on whose behalf a platform key asks.
    public static let actor = HTTPField.Name.trusted("X-Actor")
    /// `Idempotency-Key`: names an intention.
    public static let idempotencyKey = HTTPField.Name.trusted("Idempotency-Key")
    /// `Idempotent-Replayed`: says that the answer is the stored one.
    public static let idempotentReplayed = HTTPField.Name.trusted("Idempotent-Replayed")
    /// `Last-Event-ID`: where an event stream goes on.
    public static let lastEventID = HTTPField.Name.trusted("Last-Event-ID")

    /// `RateLimit-Limit`: how many requests may come at once after a rest.
    static let rateLimitLimit = HTTPField.Name.trusted("RateLimit-Limit")
    /// `RateLimit-Remaining`: how many may come now.
    static let rateLimitRemaining = HTTPField.Name.trusted("RateLimit-Remaining")
    /// `RateLimit-Reset`: in how many seconds all of them may come again.
    static let rateLimitReset = HTTPField.Name.trusted("RateLimit-Reset")

    /// `X-Reconciliation-SHA256`: of a day's books in the form that is sent, without its last line.
    public static let reconciliationSHA256 = HTTPField.Name.trusted("X-Reconciliation-SHA256")
    /// `X-Accel-Buffering`: tells a proxy to pass a stream on as it comes.
    public static let accelBuffering = HTTPField.Name.trusted("X-Accel-Buffering")

    /// A name that is a token of HTTP; the fallback is never used for the names above, and a test says so.
    private static func trusted(_ name: String) -> HTTPField.Name {
        HTTPField.Name(name) ?? .server
    }
}
