import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit

/// The routes of the desk, where staff decide what rules do not.
struct DeskController: Sendable {
    let requests: RequestTransaction
    let decideCase: DecideCase

    private let assignCase = AssignCase()

    private static let tag = "Desk"
    private static let staff: Set<Role> = [.agent, .supervisor, .admin]

    init(requests: RequestTransaction, channels: RefundChannels) {
        self.requests = requests
        decideCase = DecideCase(channels: channels)
    }

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "getDeskQueue",
                .get,
                "/v1/desk/queue",
                summary: "The cases that wait for a person, the most urgent first",
                details: "Cases of the reader's own orders are left out.",
                tag: Self.tag,
                access: .roles(Self.staff, scope: .afterSalesRead),
                parameters: [
                    .query("handler", .enumeration(["me", "nobody"]), "Only cases of the reader, or of nobody yet."),
                    .limit, .cursor,
                ],
                responses: [.json("A page of the queue.", .page(name: "DeskQueue", of: CaseSchemas.summary))]
            ) { try await queue($0) },
            Operation(
                "claimCase",
                .post,
                "/v1/desk/cases/{id}/claim",
                summary: "Take a case on",
                tag: Self.tag,
                access: .roles(Self.staff, scope: .afterSalesWrite),
                responses: [.json("The case.", CaseSchemas.summary)],
                problems: [.illegalTransition, .ownCase, .claimedByAnother],
                idempotent: true
            ) { call in
                try await assign(call) { id, cause, session in
                    try assignCase.claim(id, by: call.principal, cause, in: session)
                }
            },
            Operation(
                "transferCase",
                .post,
                "/v1/desk/cases/{id}/transfer",
                summary: "Hand a case to another staff member",
                tag: Self.tag,
                access: .roles(Self.staff, scope: .afterSalesWrite),
                body: .object(
                    name: "CaseTransfer",
                    [.required("to", .actorID), .optional("note", .string(length: 1...500), "Seen by staff only.")]
                ),
                responses: [.json("The case.", CaseSchemas.summary)],
                problems: [.illegalTransition, .ownCase, .claimedByAnother],
                idempotent: true
            ) { call in
                let handler = call.body["to"]?.string ?? ""
                let note = call.body["note"]?.string
                return try await assign(call) { id, cause, session in
                    try assignCase.transfer(id, to: handler, note: note, by: call.principal, cause, in: session)
                }
            },
            Operation(
                "decideCase",
                .post,
                "/v1/desk/cases/{id}/decide",
                summary: "Decide a case",
                details: """
                    In full without `amounts`, in part with an amount for each item that is granted, or not at all. The reasons \
                    are what the customer reads.
                    """,
                tag: Self.tag,
                access: .roles(Self.staff, scope: .afterSalesWrite),
                body: Self.ruling,
                responses: [.json("The case.", CaseSchemas.full, headers: [.etag])],
                problems: [.illegalTransition, .ownCase, .claimedByAnother, .nothingRefundable, .channelUnavailable],
                idempotent: true
            ) { try await decide($0) },
        ]
    }

    private static let ruling = JSONSchema.object(
        name: "Ruling",
        [
            .required("verdict", .enumeration(["approved", "rejected"])),
            .optional("amounts", .array(of: CaseSchemas.amount, count: 1...200), "Only with `approved`."),
            .required("reasons", .array(of: reason, count: 1...5), "What the customer reads."),
        ]
    )

    private static let reason = JSONSchema.object(
        name: "RulingReason",
        [
            .required("zh-CN", .string(length: 1...500)),
            .required("en", .string(length: 1...500)),
        ]
    )

    private func queue(_ call: Call) async throws -> Reply {
        let page = try Page(call)
        let reader = call.principal.actor.id
        let handler: String? =
            switch call.query["handler"]?.string {
            case "me": reader
            case "nobody": ""
            default: nil
            }
        let found = try await requests.read { session in
            try CaseListStore().queue(campus: call.campus.id, handler: handler, reader: reader, page, in: session)
        }
        return .page(found, CaseView(viewer: call.principal).summary)
    }

    private func decide(_ call: Call) async throws -> Reply {
        let id: CaseID = try call.id()
        let ruling = try DecideCase.Ruling(call.body)
        let view = CaseView(viewer: call.principal)
        return try await requests.once(call) { session in
            try decideCase(id, ruling, by: call.principal, campus: call.campus, Cause(call), in: session)
        } reply: { file in
            .ok(view.full(file)).etag(file.etag)
        } done: { file in
            call.logger.recordDecision(file)
        }
    }

    private func assign(
        _ call: Call,
        _ body: @escaping @Sendable (CaseID, Cause, borrowing Session) throws -> AfterSalesCase
    ) async throws -> Reply {
        let id: CaseID = try call.id()
        let view = CaseView(viewer: call.principal)
        return try await requests.once(call) { session in
            try body(id, Cause(call), session)
        } reply: { assigned in
            .ok(view.summary(assigned))
        } done: { assigned in
            call.logger.record(.caseClaimed, assigned.logValues)
        }
    }
}

extension DecideCase.Ruling {
    /// Reads a body that fits the schema; what the schema cannot say is checked here, all faults at once.
    fileprivate init(_ body: JSON) throws(Problem) {
        let isApproved = body["verdict"]?.string == "approved"
        var faults: [Fault] = []
        var amounts: [ItemAmount] = []
        let entries = body["amounts"]?.array ?? []
        if !isApproved, !entries.isEmpty {
            faults.append(Fault("/amounts", "must not be there when nothing is granted"))
        }
        for (index, entry) in entries.enumerated() {
            guard let item = entry["item"]?.string.flatMap(RefundItem.init), let fen = entry["amount_fen"]?.integer
            else {
                faults.append(Fault("/amounts/\(index)", "does not fit"))
                continue
            }
            if amounts.contains(where: { $0.item == item }) {
                faults.append(Fault("/amounts/\(index)/item", "names an item for the second time"))
            }
            amounts.append(ItemAmount(item: item, amount: Money(fen: fen)))
        }
        guard faults.isEmpty else { throw .validation(faults) }
        let reasons = (body["reasons"]?.array ?? []).compactMap { try? LocalizedText(json: $0) }
        self.init(isApproved: isApproved, amounts: amounts, reasons: reasons)
    }
}
