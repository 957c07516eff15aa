import Model
import ServiceKit

/// What somebody said about a case.
///
/// The timeline is never changed, and words may have to be erased one day. So it keeps a salted digest of them only: whoever has the
/// words and their salt can show that they are those that were said, and without both the digest says nothing.
struct CaseWords: Hashable, Sendable {
    /// What the words are, as the timeline's detail shows them.
    enum Field: String, Hashable, Sendable {
        /// Said to everybody concerned.
        case comment
        /// Said among staff.
        case note
    }

    /// The member of the timeline's detail that holds the digest.
    static let digestMember = "words_sha256"

    let field: Field
    let text: String
    /// 16 random bytes.
    let salt: [UInt8]

    /// Words with a new salt.
    init(_ field: Field, _ text: String) {
        var generator = SystemRandomNumberGenerator()
        self.init(field, text, using: &generator)
    }

    /// Words with a salt of that generator's.
    init(_ field: Field, _ text: String, using generator: inout some RandomNumberGenerator) {
        self.field = field
        self.text = text
        salt = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// SHA-256 over the salt and the words' UTF-8, in hexadecimal digits.
    var digest: String { SHA256Digest(of: salt + text.utf8).hexadecimal }
}
