import Model
import ServiceKit

/// A day of a campus whose books are closed.
struct ReconciliationDay: Hashable, Sendable {
    /// The campus.
    let campus: CampusID
    /// The day, in the campus's local time.
    let day: CampusCalendar.Day
    /// How many rows it has.
    let rowCount: Int
    /// All that came in.
    let paymentSum: Money
    /// All that went back.
    let refundSum: Money
    /// SHA-256 of header and rows as they are sent in each form.
    let digests: Digests
    /// When it was closed, by the campus's clock.
    let closedAt: Timestamp

    /// The 32 bytes for each form.
    struct Digests: Hashable, Sendable {
        let ndjson: [UInt8]
        let csv: [UInt8]
    }

    /// The digest of header and rows in that form, as 64 lower-case hexadecimal digits.
    func sha256(_ form: ReconciliationForm) -> String {
        let bytes =
            switch form {
            case .ndjson: digests.ndjson
            case .csv: digests.csv
            }
        return bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
