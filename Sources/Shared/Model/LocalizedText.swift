/// A language that customers and staff read.
public enum Language: String, CaseIterable, Hashable, Sendable {
    /// Simplified Chinese, the first language here.
    case simplifiedChinese = "zh-CN"
    /// English.
    case english = "en"
}

/// The same words in each language.
public struct LocalizedText: Hashable, Sendable {
    /// In simplified Chinese.
    public let zhCN: String
    /// In English.
    public let en: String

    /// These words.
    public init(zhCN: String, en: String) {
        self.zhCN = zhCN
        self.en = en
    }

    /// The words in that language.
    public subscript(language: Language) -> String {
        switch language {
        case .simplifiedChinese: zhCN
        case .english: en
        }
    }

    /// `{"zh-CN": …, "en": …}`.
    public var json: JSON {
        ["zh-CN": .string(zhCN), "en": .string(en)]
    }

    /// Reads what ``json`` writes.
    public init(json: JSON) throws(PayloadMismatch) {
        guard let zhCN = json["zh-CN"]?.string, let en = json["en"]?.string else {
            throw PayloadMismatch(field: "localized text")
        }
        self.init(zhCN: zhCN, en: en)
    }
}
