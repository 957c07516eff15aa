import Model

extension Refund {
    /// What to make of the platform's report of this refund, which it has been asked for.
    ///
    /// Whatever the order in which reports come, money that is back stays back, and a refund that was released stays
    /// released.
    ///
    /// - `lastRequest`: the refund's version with which the platform was asked for it last.
    func judgement(of result: RefundResult, lastRequest: Int64) -> ReportOutcome {
        switch (status, result.report) {
        case (.succeeded, .succeeded(let number)):
            // Two numbers of the channel under one of ours may be two payments.
            let isSame = number == nil || channelRefundID == nil || number == channelRefundID
            return isSame ? .repeated : .contradictory
        case (.succeeded, .processing): return .outdated
        case (.succeeded, .failed), (.succeeded, .abnormal), (.succeeded, .closed): return .contradictory
        case (.closed, .failed), (.closed, .closed): return .repeated
        case (.closed, .succeeded), (.closed, .processing), (.closed, .abnormal): return .contradictory
        case (.submitting, _), (.processing, _), (.failed, _), (.abnormal, _), (.unknown, _), (.created, _):
            if let request = result.request, request < lastRequest, result.report.status != .succeeded {
                return .outdated
            }
            if saysNothingNew(result.report) { return .repeated }
            return status == .unknown ? .late : .taken
        }
    }

    private func saysNothingNew(_ report: ChannelReport) -> Bool {
        guard status == report.status else { return false }
        return switch report {
        case .processing(let number), .succeeded(let number): number == nil || number == channelRefundID
        case .failed(let code), .abnormal(let code), .closed(let code): code == self.code
        }
    }
}
