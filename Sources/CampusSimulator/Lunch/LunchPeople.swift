import Model

/// Everybody whose inbox is read during a lunch, each with a stream of their own.
struct LunchPeople: Sendable {
    /// Somebody with an inbox, and where it stood before lunch.
    private struct Person: Sendable {
        let reader: StreamReader
        let caller: Caller
        let before: Int64
    }

    private let people: [Person]
    private let campus: CampusAccess

    /// Students, merchants and riders of the plan.
    init(plan: LunchPlan, cast: Cast, campus: CampusAccess, board: LunchBoard) {
        let students = (0..<plan.studentCount).map { "customer:\(cast.student($0))" }
        let merchants = Stall.all.indices.map { "merchant:\(cast.merchant($0))" }
        let riders = (0..<plan.riderCount).map { "rider:\(cast.rider($0))" }
        self.campus = campus
        people = (students + merchants + riders).map { recipient in
            // Ids of this run: nobody has been told anything yet.
            let reader = StreamReader(recipient: recipient, after: 0, caller: .user(recipient), campus: campus) {
                line in
                board.tell(recipient, line.json)
            }
            return Person(reader: reader, caller: .user(recipient), before: 0)
        }
    }

    /// A reader for each person; each is to be run.
    var readers: [StreamReader] { people.map(\.reader) }
    /// Reconnections of all streams together.
    var resumes: Int { people.reduce(0) { $0 + $1.reader.resumes } }

    /// Waits until every stream is open; throws when one is not by then.
    func waitUntilConnected(by deadline: ContinuousClock.Instant) async throws {
        for person in people {
            guard await person.reader.waitUntilConnected(atMost: deadline - .now) else {
                throw StreamNotOpened(recipient: person.reader.recipient, cause: campus.mishaps.unexpected.last)
            }
        }
    }

    /// What is filed in each inbox since before lunch, and what each stream brought of it.
    func inboxes() async throws -> [Account.Inbox] {
        try await people.map(atOnce: 8) { person in
            Account.Inbox(
                recipient: person.reader.recipient,
                before: person.before,
                filed: try await inbox(of: person),
                streamed: person.reader.lines.map(\.number)
            )
        }
    }

    private func inbox(of person: Person) async throws -> [Int64: String] {
        var filed: [Int64: String] = [:]
        var after = person.before
        while true {
            let page = try await campus.notify.get("/v1/inbox", query: [("after", "\(after)")], as: person.caller)
            let items = page["items"]?.array ?? []
            for item in items {
                guard let number = item["seq"]?.integer, let event = item["event_id"]?.string else { continue }
                filed[number] = event
                after = max(after, number)
            }
            if items.isEmpty { return filed }
        }
    }
}

/// A stream that did not open.
struct StreamNotOpened: Error, CustomStringConvertible {
    let recipient: String
    /// What went wrong last.
    let cause: String?

    var description: String { "the stream of \(recipient) did not open" + (cause.map { ": \($0)" } ?? "") }
}
