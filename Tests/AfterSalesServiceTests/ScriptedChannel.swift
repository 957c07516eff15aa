import Model
import Synchronization
import TestSupport

@testable import AfterSalesService

/// A channel that does as it is told, and keeps its book in memory.
final class ScriptedChannel: RefundChannel {
    /// What it does with a request.
    enum Behaviour: Sendable {
        /// Pays at once.
        case accept
        /// Takes it on, to be confirmed later.
        case takeOn
        case takeOnAndLoseAnswer
        case payAndNeverAnswer
        case payAndLoseAnswer
        case loseRequest
    }

    private struct State {
        var script: [Behaviour]
        var submissions: [String] = []
        var paid: [String: Int64] = [:]
        var book: [String: ChannelReport] = [:]
        var queries = 0
        var isSilent = false
    }

    private let state: Mutex<State>

    /// Does one after the other, and then accepts.
    init(_ script: [Behaviour]) {
        state = Mutex(State(script: script))
    }

    var submissions: [String] { state.withLock { $0.submissions } }
    var paid: [Int64] { state.withLock { Array($0.paid.values) } }
    var queries: Int { state.withLock { $0.queries } }
    var isSilent: Bool {
        get { state.withLock { $0.isSilent } }
        set { state.withLock { $0.isSilent = newValue } }
    }

    /// Says that of all that it knows from now on.
    func conclude(_ report: ChannelReport) {
        state.withLock { state in state.book = state.book.mapValues { _ in report } }
    }

    func submit(_ instruction: RefundInstruction) async throws -> ChannelReport? {
        let behaviour = state.withLock { state -> Behaviour in
            let behaviour = state.script.isEmpty ? .accept : state.script.removeFirst()
            let number = instruction.outRefundNumber
            state.submissions.append(number)
            switch behaviour {
            case .loseRequest: break
            case .takeOn, .takeOnAndLoseAnswer: state.book[number] = .processing(channelRefundID: "c")
            case .accept, .payAndLoseAnswer, .payAndNeverAnswer:
                state.book[number] = .succeeded(channelRefundID: "c")
                state.paid[number] = instruction.amount.fen
            }
            return behaviour
        }
        switch behaviour {
        case .accept: return .succeeded(channelRefundID: "c")
        case .takeOn: return .processing(channelRefundID: "c")
        case .payAndNeverAnswer: try await hang()
        case .payAndLoseAnswer, .takeOnAndLoseAnswer, .loseRequest: throw ChannelAway()
        }
    }

    func query(_ instruction: RefundInstruction) async throws -> ChannelReport? {
        try state.withLock { state in
            state.queries += 1
            guard !state.isSilent else { throw ChannelAway() }
            return state.book[instruction.outRefundNumber]
        }
    }
}

/// The channel did not answer.
struct ChannelAway: Error {}
