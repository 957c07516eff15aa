import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The route of a day's books.
struct ReconciliationController: Sendable {
    let pool: ConnectionPool
    let closeDay: CloseDay

    private let days = ReconciliationStore()

    /// How many rows are read, and held, at once while a day is sent.
    private static let rowsAtOnce = 1_000

    init(pool: ConnectionPool, closeDay: CloseDay) {
        self.pool = pool
        self.closeDay = closeDay
    }

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "getReconciliation",
                .get,
                "/v1/reconciliation/{date}",
                summary: "The books of a campus day, frozen and hashed",
                details: """
                    Each payment and each ended refund, on the day in campus time on which it became known; `belongs_to` names the day on \
                    which its money moved, when that is another. A day is closed some minutes after it ended, once and for all. \
                    `Accept` or `format` chooses pages of JSON, or the whole day as NDJSON or CSV, whose last line has the SHA-256 of all \
                    lines before it.
                    """,
                tag: "Reconciliation",
                access: .roles([.supervisor, .admin], scope: .afterSalesRead),
                parameters: [
                    .path("date", .date, "The day in campus time."),
                    .query("format", .enumeration(Format.allCases.map(\.rawValue)), "Instead of `Accept`."),
                    .limit, .cursor,
                ],
                responses: [
                    .json("A page of the day.", Self.page, headers: [.sha256]),
                    .other(type: ReconciliationForm.ndjson.contentType, "The day, a JSON object a line."),
                    .other(type: ReconciliationForm.csv.contentType, "The day as a table (RFC 4180)."),
                ],
                problems: [.dayNotClosed]
            ) { try await get($0) }
        ]
    }

    /// What a day can be sent as.
    private enum Format: String, CaseIterable {
        case json
        case ndjson
        case csv

        /// The form of all lines at once; nil for pages.
        var form: ReconciliationForm? {
            switch self {
            case .json: nil
            case .ndjson: .ndjson
            case .csv: .csv
            }
        }

        var contentType: String { form?.contentType ?? "application/json" }
    }

    private func get(_ call: Call) async throws -> Reply {
        // What PostgreSQL and the calendar agree on.
        guard let date = CampusCalendar.Day(call.path("date")), date.number >= 0 else { throw Problem.notFound }
        let page = try Page(call)
        let day = try await closed(date, call)
        guard let form = format(call).form else { return try await reply(day, page) }
        let body = StreamBody(contentType: form.contentType) { [pool, days] writer in
            try await writer.write(Array(form.header.utf8))
            var sent = 0
            // A line that is not there breaks the answer off: without its last line nobody takes it for the day.
            while sent < day.rowCount {
                let lines = try await pool.transaction { [sent] session in
                    try days.lines(of: day, after: sent, limit: Self.rowsAtOnce, in: session)
                }
                let rows = try lines.map { line in try form.row(line, JSON(parsing: line)) }
                try await writer.write(Array(rows.joined().utf8))
                sent += lines.count
            }
            try await writer.write(Array(form.trailer(of: day).utf8))
        }
        return Reply.stream(body).with(.reconciliationSHA256, day.sha256(form))
            .with(.contentDisposition, "attachment; filename=\"\(call.campus.code)-\(day.day).\(form.rawValue)\"")
    }

    private func format(_ call: Call) -> Format {
        if let format = call.query["format"]?.string.flatMap(Format.init) { return format }
        let accepted = call.preferredType(among: Format.allCases.map(\.contentType))
        return Format.allCases.first { $0.contentType == accepted } ?? .json
    }

    /// The day, closed now when it is the next one and over.
    ///
    /// One request closes one day at most; the rest of a long backlog is left to ``CloseDays``.
    private func closed(_ date: CampusCalendar.Day, _ call: Call) async throws -> ReconciliationDay {
        let campus = call.campus
        let known = try await pool.transaction { [days] session in try days.find(date, of: campus.id, in: session) }
        if let known { return known }
        let closesAt = closeDay.closingTime(of: date, on: campus)
        guard closesAt <= call.now else {
            throw Problem.dayNotClosed(
                "The day is closed at \(closesAt.rfc3339).",
                closesAt: closesAt,
                retryAfter: closesAt.duration(since: call.now)
            )
        }
        if let day = try await closeDay(campus, at: call.now, through: date) {
            call.logger.record(.reconciliationClosed, day.logValues)
        }
        let (next, day) = try await pool.transaction { [days] session in
            let next = try days.progress(of: campus.id, in: session).first?.nextDay(on: campus)
            return (next, try days.find(date, of: campus.id, in: session))
        }
        if let day { return day }
        // A day before the books begin is none.
        guard let next, next <= date else { throw Problem.notFound }
        throw Problem.dayNotClosed(
            "Days are closed one after the other, and \(next) is the next.",
            closesAt: closesAt,
            retryAfter: min(.seconds(1 + date.number - next.number), Self.longestPause)
        )
    }

    /// How long after it found earlier days open a client asks again at the latest: they are looked at each minute.
    private static let longestPause = Duration.seconds(60)

    private func reply(_ day: ReconciliationDay, _ page: Page) async throws -> Reply {
        let after = try page.number(upTo: Int64(day.rowCount))
        let lines = try await pool.transaction { [days] session in
            try days.lines(of: day, after: after, limit: page.limit, in: session)
        }
        let last = after + lines.count
        let next = last < day.rowCount ? Cursor([.integer(Int64(last))]).text : nil
        return Reply.ok([
            "date": .string(day.day.description), "rows": .integer(Int64(day.rowCount)),
            "payment_fen": .integer(day.paymentSum.fen), "refund_fen": .integer(day.refundSum.fen),
            "closed_at": .string(day.closedAt.rfc3339),
            "sha256": [
                "ndjson": .string(day.sha256(.ndjson)), "csv": .string(day.sha256(.csv)),
            ],
            "items": .array(try lines.map { try JSON(parsing: $0) }),
            "next_cursor": .optional(next),
        ]).with(.reconciliationSHA256, day.sha256(.ndjson))
    }

    private static let digest = JSONSchema.string(length: 64...64, pattern: .ascii("0-9a-f"))

    private static let page = JSONSchema.object(
        name: "ReconciliationPage",
        [
            .required("date", .date),
            .required("rows", .integer(0...Int64(Int32.max)), "How many the day has."),
            .required("payment_fen", .fen(0...Int64.max), "All that came in."),
            .required("refund_fen", .fen(0...Int64.max), "All that went back."),
            .required("closed_at", .timestamp, "When the day was closed, by the campus's clock."),
            .required(
                "sha256",
                .object(name: "ReconciliationDigests", [.required("ndjson", digest), .required("csv", digest)]),
                "Of the day in each form, without its last line."
            ),
            .required("items", .array(of: ReconciliationRow.schema, count: 0...Page.largestLimit)),
            .required(
                "next_cursor",
                .nullable(.string(length: 1...1_024)),
                "Send it as `cursor` for the next page; `null` on the last."
            ),
        ]
    )
}

extension Page {
    /// Behind which number to go on, in a list that is numbered from 1.
    ///
    /// - Throws: a fault when the cursor says something else.
    fileprivate func number(upTo count: Int64) throws(Problem) -> Int {
        guard let cursor else { return 0 }
        guard cursor.values.count == 1, let number = cursor.values[0].integer, (0...count).contains(number) else {
            throw Page.foreign
        }
        return Int(number)
    }
}

extension ResponseDescription.Header {
    fileprivate static let sha256 = ResponseDescription.Header(
        name: "X-Reconciliation-SHA256",
        summary: "SHA-256 of the day in the form that is sent, without its last line; of NDJSON for pages."
    )
}
