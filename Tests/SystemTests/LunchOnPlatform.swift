import Logging
import Synchronization

@testable import CampusSimulator

extension RunningPlatform {
    /// Plays a lunch, with something happening meanwhile, and reckons it up, with the services' own books too.
    ///
    /// From 40 `orders` every story is told; they start within so many `seconds`. `meanwhile` is what befalls the platform, from
    /// the start of lunch. Throws when it does not balance, so that the services' logs are kept.
    func lunch(
        orders: Int = 40,
        over seconds: Double = 8,
        seed: UInt64 = 1,
        meanwhile: @escaping @Sendable (LunchBoard) async throws -> Void = { _ in }
    ) async throws -> Account {
        var options = Lunch.Options()
        options.settling = .seconds(90)
        options.webhookRefusesOneIn = 40
        let plan = LunchPlan(count: orders, over: .seconds(seconds), seed: seed)
        let account = try await CampusAccess.with(credentials) { [options] campus in
            let lunch = Lunch(
                plan: plan,
                cast: Cast(run: "s\(seed)"),
                campus: campus,
                options: options,
                logger: Logger.complaining
            )
            async let misfortune: Void = meanwhile(lunch.board)
            let account = try await lunch.play()
            try await misfortune
            return account
        }
        let reckoning = Reckoning(account)
        guard reckoning.balances else { throw DoesNotBalance(description: reckoning.text()) }
        let differences = try await Books(cluster: cluster).differences()
        guard differences.isEmpty else { throw DoesNotBalance(description: differences.joined(separator: "\n")) }
        return account
    }
}

/// A lunch that does not add up.
struct DoesNotBalance: Error, CustomStringConvertible {
    let description: String
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
