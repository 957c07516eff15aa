extension Contact {
    /// The contact as whoever keeps it is shown it: enough to tell that it is the right one, too little to reach anybody by it.
    var masked: Contact {
        var masked = self
        masked.phone = phone.map(Self.masked(phone:))
        masked.openIDs = openIDs.map { OpenID(appID: $0.appID, value: Self.masked(openID: $0.value)) }
        return masked
    }

    /// Four digits before the last four are struck out, as in `138****8000`; a short number shows less of its end.
    private static func masked(phone: String) -> String {
        let end = min(4, (phone.count + 1) / 3)
        return "\(phone.dropLast(end + 4))****\(phone.suffix(end))"
    }

    /// The first four characters, and never more than half.
    private static func masked(openID: String) -> String {
        "\(openID.prefix(min(4, openID.count / 2)))…"
    }
}
