import Model
import ServiceKit

extension RefundResult {
    /// Reads a report about that refund which is as ``schema`` says.
    ///
    /// - Throws: every fault at once: what does not go together, and what is not about this refund. A refund is paid whole
    ///   or not at all.
    init(_ body: JSON, about refund: Refund, now: Timestamp) throws(Problem) {
        var faults: [Fault] = []
        let name = body["result"]?.string ?? ""
        let number = body["channel_refund_id"]?.string
        let code = body["code"]?.string
        if Self.needsCode.contains(name) != (code != nil) {
            faults.append(
                Fault(
                    "/code",
                    code == nil ? "is missing: say why it is \(name)" : "does not go with `\(name)`"
                )
            )
        }
        let amount = body["amount_fen"]?.integer
        if amount == nil, name == "succeeded" {
            faults.append(Fault("/amount_fen", "is missing: say how much was paid"))
        }
        if let amount, amount != refund.amount.fen {
            faults.append(
                Fault(
                    "/amount_fen",
                    "is not the refund's \(refund.amount.fen) fen: a refund is paid whole or not at all"
                )
            )
        }
        if let stated = body["out_refund_no"]?.string, stated != refund.outRefundNumber {
            faults.append(Fault("/out_refund_no", "is the number of another refund"))
        }
        let request = body["version"]?.integer
        if let request, request > refund.version {
            faults.append(Fault("/version", "is no version of this refund yet"))
        }
        let at = body["at"]?.string.flatMap(Timestamp.init(rfc3339:)) ?? now
        if at > now + Self.clockTolerance {
            faults.append(Fault("/at", "lies more than 60 s ahead of our clock"))
        } else if at < refund.createdAt - Self.clockTolerance {
            faults.append(Fault("/at", "lies before the refund was decided"))
        }
        guard faults.isEmpty else { throw .validation(faults) }
        self.init(
            report: Self.report(name, number: number, code: code ?? ""),
            amount: amount.map(Money.init(fen:)),
            destination: body["destination"]?.string.flatMap(RefundDestination.init) ?? Self.destination(of: name),
            request: request,
            at: at
        )
    }

    /// Whether a body says that another amount than the refund's was paid.
    static func isPartlyPaid(_ body: JSON, _ refund: Refund) -> Bool {
        body["result"] == "succeeded" && body["amount_fen"]?.integer.map { $0 != refund.amount.fen } ?? false
    }

    private static let needsCode: Set<String> = ["failed", "abnormal"]

    /// How far a platform's clock may differ from ours.
    private static let clockTolerance = Duration.seconds(60)

    private static func destination(of name: String) -> RefundDestination? {
        name == "succeeded" ? .original : nil
    }

    private static func report(_ name: String, number: String?, code: String) -> ChannelReport {
        switch name {
        case "succeeded": .succeeded(channelRefundID: number)
        case "failed": .failed(code: code)
        case "abnormal": .abnormal(code: code)
        default: .processing(channelRefundID: number)
        }
    }

    /// What a report must look like.
    static let schema = JSONSchema.object(
        name: "RefundResult",
        [
            .required(
                "result",
                .enumeration(["processing", "succeeded", "failed", "abnormal"]),
                """
                `processing`: the channel took it on. `succeeded`: the money is back. `failed`: the channel refused, nothing \
                moved and you do not try again by yourself. `abnormal`: the channel took it on and cannot pay it out.
                """
            ),
            .optional(
                "amount_fen",
                .fen(1...Int64.max),
                "How much was paid; needed with `succeeded`. Anything but the refund's amount is refused."
            ),
            .optional(
                "code",
                reference(length: 1...64),
                "The channel's word for why; needed with `failed` and `abnormal`."
            ),
            .optional("channel_refund_id", reference(length: 1...128), "The channel's own number of the refund."),
            .optional(
                "destination",
                .enumeration(of: RefundDestination.self),
                "Where the money went; `original` when it is not said."
            ),
            .optional("out_refund_no", reference(length: 1...64), "When given, must be this refund's."),
            .optional(
                "version",
                .integer(1...Int64.max),
                "The `version` of the `refund.requested` that this answers: a refusal of an earlier one changes nothing."
            ),
            .optional("at", .timestamp, "When it happened, by the channel; now when not given. May lie in the past."),
        ]
    )

    /// What was made of a report.
    static let judged = JSONSchema.object(
        name: "RefundResultJudged",
        [
            .required(
                "outcome",
                .enumeration(of: ReportOutcome.self),
                """
                `taken`: the refund stands so now. `late`: the same, after silence had made it `unknown`. `repeated`: it was known. \
                `outdated`: what stands is newer. `contradictory`: what stands cannot be true beside it; it stays, the report is \
                recorded, and people are alarmed.
                """
            ),
            .required("refund", Refund.schema, "What stands."),
        ]
    )

    private static func reference(length: ClosedRange<Int>) -> JSONSchema {
        .string(length: length, pattern: .visibleASCII)
    }
}
