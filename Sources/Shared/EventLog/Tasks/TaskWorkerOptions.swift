/// How a worker works; ``TaskWorker`` says what each means.
struct TaskWorkerOptions: Sendable {
    var concurrency: Int
    var concurrencyPerDestination: Int
    var concurrencyPerCampus: Int?
    var lease: Duration
    var attemptLimit: Duration
    var backoff: Backoff
    var poll: Duration
    var shutdownLimit: Duration
}
