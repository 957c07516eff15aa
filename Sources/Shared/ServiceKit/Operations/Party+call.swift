import Model

extension Party {
    /// Whom the path `…/{kind}/{id}` of a call names.
    public init(_ call: Call) throws(Problem) {
        guard let kind = PartyKind(rawValue: call.path("kind")) else { throw .notFound }
        self.init(kind: kind, id: call.path("id"))
    }

    /// Whom the members `kind` and `id` name.
    public init?(json: JSON) {
        guard let kind = json["kind"]?.string.flatMap(PartyKind.init(rawValue:)), let id = json["id"]?.string else {
            return nil
        }
        self.init(kind: kind, id: id)
    }
}

extension Timestamp {
    /// What is wrong with a time at which something was written down elsewhere; nil when nothing is.
    ///
    /// One that lies ahead would keep everything later from counting.
    public func faultOfReport(now: Timestamp) -> String? {
        if self > now + .seconds(60) { return "lies more than 60 s ahead of the campus's clock" }
        return self < Timestamp(seconds: 946_684_800) ? "must not lie before the year 2000" : nil
    }
}
