extension Reckoning {
    /// The reckoning for people, a line for each check and the first differences below it.
    func text(differencesShown: Int = 10) -> String {
        var lines: [String] = []
        for check in checks {
            lines.append("  \(check.differences.isEmpty ? "✔" : "✘") \(check.title): \(check.summary)")
            lines += check.differences.prefix(differencesShown).map { "      \($0)" }
            if check.differences.count > differencesShown {
                lines.append("      … and \(check.differences.count - differencesShown) more")
            }
        }
        lines.append(balances ? "  账目已平 it balances" : "  账目不平 it does not balance")
        return lines.joined(separator: "\n")
    }
}
