import Model

extension ChannelReport {
    /// Where a refund stands of which the channel says this.
    var status: RefundStatus {
        switch self {
        case .processing: .processing
        case .succeeded: .succeeded
        case .failed: .failed
        case .abnormal: .abnormal
        case .closed: .closed
        }
    }
}
