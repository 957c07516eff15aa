extension String {
    /// How many columns of a terminal it takes: East Asian wide and fullwidth characters take two.
    ///
    /// Source: Unicode Standard Annex #11, the blocks that Chinese text uses.
    var columns: Int {
        unicodeScalars.reduce(0) { $0 + ($1.isWide ? 2 : 1) }
    }

    /// Padded with spaces, or cut, to exactly that many columns.
    func fitted(to width: Int) -> String {
        var taken = 0
        var text = ""
        for character in self {
            let columns = String(character).columns
            guard taken + columns <= width else { break }
            text.append(character)
            taken += columns
        }
        return text + String(repeating: " ", count: max(0, width - taken))
    }
}

extension Unicode.Scalar {
    fileprivate var isWide: Bool {
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF,
            0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
