import Model
import ServiceKit

extension Contact {
    /// Reads what a request says of somebody.
    ///
    /// - Parameters:
    ///   - json: fits ``ContactSchemas/contact``.
    ///   - party: whom it is about.
    ///   - pointer: where it lies in the body.
    ///   - now: campus time.
    ///   - faults: gets what the schema cannot say.
    init(_ json: JSON, of party: Party, at pointer: String = "", now: Timestamp, _ faults: inout [Fault]) {
        let openIDs = (json["openids"]?.array ?? []).compactMap(OpenID.init(json:))
        var apps: Set<String> = []
        for (index, openID) in openIDs.enumerated() where !apps.insert(openID.appID).inserted {
            faults.append(Fault("\(pointer)/openids/\(index)/appid", "is given more than once"))
        }
        let updatedAt = json["updated_at"]?.string.flatMap(Timestamp.init(rfc3339:)) ?? now
        if let detail = updatedAt.faultOfReport(now: now) { faults.append(Fault("\(pointer)/updated_at", detail)) }
        self.init(
            party: party,
            phone: json["phone"]?.string,
            openIDs: openIDs,
            language: json["language"]?.string.flatMap(Language.init(rawValue:)),
            updatedAt: updatedAt,
            erasedAt: nil
        )
    }
}
