import Logging
import Synchronization

@testable import CampusSimulator

extension RunningPlatform {
    /// Plays a lunch, with something happening meanwhile, and reckons it up.
    ///
    /// From 40 `orders` every story is told; they start within so many `seconds`. `meanwhile` is what befalls the platform, from
    /// the start of lunch.
    func lunch(
        orders: Int = 40,
        over seconds: Double = 8,
        seed: UInt64 = 1,
        meanwhile: @escaping @Sendable (LunchBoard) async throws -> Void = { _ in }
    ) async throws -> (account: Account, reckoning: Reckoning) {
        let campus = CampusAccess(credentials: credentials, patience: .seconds(60))
        var options = Lunch.Options()
        options.settling = .seconds(90)
        options.webhookRefusesOneIn = 40
        let lunch = Lunch(
            plan: LunchPlan(count: orders, over: .seconds(seconds), seed: seed),
            cast: Cast(run: "s\(seed)"),
            campus: campus,
            options: options,
            logger: Logger.complaining
        )
        async let misfortune: Void = meanwhile(lunch.board)
        let account = try await lunch.play()
        try await misfortune
        try await campus.shutdown()
        return (account, Reckoning(account))
    }
}

extension Logger {
    /// Writes only what is wrong, to standard error.
    fileprivate static var complaining: Logger {
        var logger = Logger(label: "lunch") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        return logger
    }
}

extension LunchBoard {
    /// Waits until so many orders are on their way, so that what happens next happens in the middle.
    func waitForOrders(_ count: Int) async {
        _ = await wait(atMost: .seconds(60)) { $0.count >= count }
    }
}
