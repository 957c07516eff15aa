import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit

/// The routes of cases, as customers, merchants and the platform use them.
struct CaseController: Sendable {
    let requests: RequestTransaction
    let openCase: OpenCase
    let channels: RefundChannels

    private let withdrawCase = WithdrawCase()
    private let speakOnCase = SpeakOnCase()
    private let reader = CaseReader()

    private static let tag = "Cases"
    private static let readers: Set<Role> = [.customer, .merchant, .agent, .supervisor, .admin]
    private static let openers: Set<Role> = [.customer, .agent, .supervisor, .admin]

    init(requests: RequestTransaction, channels: RefundChannels) {
        self.requests = requests
        self.channels = channels
        openCase = OpenCase(channels: channels)
    }

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "getAfterSalesOptions",
                .get,
                "/v1/after-sales-options",
                summary: "What can be asked for about an order",
                details: "Kinds and reasons, amounts line by line, evidence, who would decide by when, and advice.",
                tag: Self.tag,
                access: .roles(Self.openers, scope: .afterSalesRead),
                parameters: [.query("order_id", .id, required: true, "The order.")],
                responses: [.json("What can be asked for.", AfterSalesOptions.schema)],
                problems: [.notFound]
            ) { try await options($0) },
            Operation(
                "openCase",
                .post,
                "/v1/cases",
                summary: "Open a case",
                details: """
                    The case is decided in this request: by rule, with a refund on its way, or it goes to a person. Either way \
                    the answer carries the decision with its reasons. Staff open cases on behalf of customers, never for \
                    orders of their own.
                    """,
                tag: Self.tag,
                access: .roles(Self.openers, scope: .afterSalesWrite),
                body: CaseSchemas.opening,
                responses: [.created("The case.", CaseSchemas.full, headers: [.location, .etag])],
                problems: [.notFound, .kindNotOffered, .nothingRefundable, .caseAlreadyOpen, .ownCase],
                idempotent: true
            ) { try await open($0) },
            Operation(
                "listCases",
                .get,
                "/v1/cases",
                summary: "List cases",
                details: "The newest first; with `updated_since`, in the order of their last change.",
                tag: Self.tag,
                access: .roles(Self.readers, scope: .afterSalesRead),
                parameters: Self.listParameters,
                responses: [.json("A page of cases.", .page(name: "CasePage", of: CaseSchemas.summary))]
            ) { try await list($0) },
            Operation(
                "getCase",
                .get,
                "/v1/cases/{id}",
                summary: "Read a case",
                tag: Self.tag,
                access: .roles(Self.readers, scope: .afterSalesRead),
                parameters: [.ifNoneMatch],
                responses: [.json("The case.", CaseSchemas.full, headers: [.etag]), .empty(304, "It has not changed.")]
            ) { try await get($0) },
            Operation(
                "getCaseTimeline",
                .get,
                "/v1/cases/{id}/timeline",
                summary: "Read what happened to a case and its refunds",
                tag: Self.tag,
                access: .roles(Self.readers, scope: .afterSalesRead),
                responses: [.json("Every change, first to last.", CaseSchemas.timeline)]
            ) { try await timeline($0) },
            Operation(
                "getCaseExplanation",
                .get,
                "/v1/cases/{id}/explanation",
                summary: "Read how a case was decided",
                details: "Every decision with every rule that was tried, what it looked at and what it found.",
                tag: Self.tag,
                access: .roles(Self.readers, scope: .afterSalesRead),
                responses: [.json("The decisions.", CaseSchemas.explanation)]
            ) { try await explanation($0) },
            Operation(
                "withdrawCase",
                .post,
                "/v1/cases/{id}/withdraw",
                summary: "Take a case back before it is decided",
                tag: Self.tag,
                access: .roles(Self.openers, scope: .afterSalesWrite),
                responses: [.json("The case.", CaseSchemas.summary)],
                problems: [.illegalTransition],
                idempotent: true
            ) { call in
                try await change(call, .caseWithdrawn) { id, cause, session in
                    try withdrawCase(id, by: call.principal, cause, in: session)
                }
            },
            Operation(
                "commentOnCase",
                .post,
                "/v1/cases/{id}/comments",
                summary: "Add a comment to a case",
                tag: Self.tag,
                access: .roles(Self.readers, scope: .afterSalesWrite),
                body: .object(name: "Comment", [.required("text", .string(length: 1...2_000))]),
                responses: [.json("The case.", CaseSchemas.summary)],
                problems: [.illegalTransition],
                idempotent: true
            ) { call in
                let text = call.body["text"]?.string ?? ""
                return try await change(call, .caseCommented) { id, cause, session in
                    try speakOnCase.comment(id, text, by: call.principal, cause, in: session)
                }
            },
            Operation(
                "urgeCase",
                .post,
                "/v1/cases/{id}/urge",
                summary: "Move a case forward in the desk's queue",
                details: "Once in five minutes; 429 says when to come back.",
                tag: Self.tag,
                access: .roles(Self.openers, scope: .afterSalesWrite),
                responses: [.json("The case.", CaseSchemas.summary)],
                problems: [.illegalTransition],
                idempotent: true
            ) { call in
                try await change(call, .caseUrged) { id, cause, session in
                    try speakOnCase.urge(id, by: call.principal, cause, in: session)
                }
            },
        ]
    }

    private static let listParameters: [Parameter] = [
        .query("order_id", .id, "Only cases about this order."),
        .query("customer_id", .actorID, "Only cases of this customer."),
        .query("merchant_id", .actorID, "Only cases about this merchant's orders."),
        .query("status", .enumeration(of: CaseStatus.self), "Only cases that stand there."),
        .updatedSince, .limit, .cursor,
    ]

    private func options(_ call: Call) async throws -> Reply {
        guard let id = call.query["order_id"]?.string.flatMap(OrderID.init) else { throw Problem.notFound }
        return .ok(
            try await requests.read { session in
                try reader.options(of: id, call, channels, in: session).json
            }
        )
    }

    private func open(_ call: Call) async throws -> Reply {
        let request = try OpenCase.Request(call.body)
        let view = CaseView(viewer: call.principal)
        return try await BrakeState.trying { brake in
            try await requests.once(call) { session in
                try openCase(request, by: call.principal, campus: call.campus, brake: brake, Cause(call), in: session)
            } reply: { file in
                .created(view.full(file), location: "/v1/cases/\(file.subject.id)").etag(file.etag)
            } done: { file in
                let logger = call.logger
                logger.record(.caseOpened, file.subject.logValues)
                logger.recordDecision(file)
            }
        }
    }

    private func list(_ call: Call) async throws -> Reply {
        let page = try Page(call)
        var filter = CaseFilter(
            campus: call.principal.campus,
            order: call.query["order_id"]?.string.flatMap(OrderID.init),
            customer: call.query["customer_id"]?.string,
            merchant: call.query["merchant_id"]?.string,
            status: call.query["status"]?.string.flatMap(CaseStatus.init(rawValue:)),
            updatedSince: call.query["updated_since"]?.string.flatMap(Timestamp.init(rfc3339:))
        )
        guard filter.restrict(to: call.principal) else { return .page(Listing<JSON>(items: []), \.self) }
        let view = CaseView(viewer: call.principal)
        let found = try await requests.read { [filter] session in
            try CaseListStore().list(filter, page, in: session)
        }
        return .page(found, view.summary)
    }

    private func get(_ call: Call) async throws -> Reply {
        let id: CaseID = try call.id()
        let file = try await requests.read { session in try reader.file(id, for: call.principal, in: session) }
        guard !call.hasCurrent(file.etag) else { return Reply(status: 304).etag(file.etag) }
        return .ok(CaseView(viewer: call.principal).full(file)).etag(file.etag)
    }

    private func timeline(_ call: Call) async throws -> Reply {
        let id: CaseID = try call.id()
        let entries = try await requests.read { session in try reader.timeline(id, for: call.principal, in: session) }
        return .ok(["entries": .array(entries.map(CaseView(viewer: call.principal).timeline))])
    }

    private func explanation(_ call: Call) async throws -> Reply {
        let id: CaseID = try call.id()
        let decisions = try await requests.read { session in try reader.decisions(id, for: call.principal, in: session)
        }
        return .ok([
            "case_id": .string(id.description),
            "decisions": .array(decisions.map(CaseView(viewer: call.principal).explanation)),
        ])
    }

    private func change(
        _ call: Call,
        _ event: LoggedEvent,
        _ body: @escaping @Sendable (CaseID, Cause, borrowing Session) throws -> AfterSalesCase
    ) async throws -> Reply {
        let id: CaseID = try call.id()
        let view = CaseView(viewer: call.principal)
        return try await requests.once(call) { session in
            try body(id, Cause(call), session)
        } reply: { changed in
            .ok(view.summary(changed))
        } done: { changed in
            call.logger.record(event, changed.logValues)
        }
    }
}

extension OpenCase.Request {
    /// Reads a body that fits ``CaseSchemas/opening``.
    init(_ body: JSON) throws(Problem) {
        guard let order = body["order_id"]?.string.flatMap(OrderID.init),
            let kind = body["kind"]?.string.flatMap(CaseKind.init(rawValue:)),
            let reason = body["reason"]?.string.flatMap(CaseReason.init(rawValue:))
        else { throw .validation("", "does not fit") }
        let lines = body["lines"]?.array?.compactMap { line -> LineQuantity? in
            guard let number = line["line_no"]?.integer, let quantity = line["quantity"]?.integer else { return nil }
            return LineQuantity(number: Int(number), quantity: Int(quantity))
        }
        if lines != nil, !reason.concernsLines {
            throw .validation("/lines", "cannot be chosen with the reason \(reason.rawValue)")
        }
        self.init(
            orderID: order,
            kind: kind,
            reason: reason,
            scope: lines.map(Scope.lines) ?? .wholeOrder,
            description: body["description"]?.string,
            source: body["source"]?.string ?? "app"
        )
    }
}

extension CaseFilter {
    /// Narrows the filter to what the caller may see.
    ///
    /// - Returns: false when nothing is left.
    fileprivate mutating func restrict(to principal: Principal) -> Bool {
        switch principal.actor.role {
        case .customer:
            guard customer == nil || customer == principal.actor.id else { return false }
            customer = principal.actor.id
            return true
        case .merchant:
            guard let own = principal.merchantID, merchant == nil || merchant == own else { return false }
            merchant = own
            return true
        case .agent, .supervisor, .admin, .platform: return true
        case .rider, .system: return false
        }
    }
}
