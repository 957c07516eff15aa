import Model
import Testing

@testable import NotifyService

@Suite("Webhook signatures follow Standard Webhooks to the byte")
struct WebhookSignatureTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let secret: String
        let id: String
        let seconds: Int64
        let body: String
        let signature: String
    }

    static let vectors = [
        Vector(
            testDescription: "the standard's Python library",
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            seconds: 1_614_265_330,
            body: #"{"test": 2432232314}"#,
            signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        ),
        Vector(
            testDescription: "a key below the minimum length",
            secret: "whsec_plJ3nmyCDGBKInavdOK15jsl",
            id: "msg_loFOjxBNrRLzqYUf",
            seconds: 1_731_705_121,
            body: #"{"event_type":"ping","data":{"success":true}}"#,
            signature: "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
        ),
        Vector(
            testDescription: "Chinese and emoji in the body",
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            seconds: 1_614_265_330,
            body: #"{"type":"refund.approved","note":"退款成功😀"}"#,
            signature: "v1,20XDlM5ELRvPb9YbdXYcejgpk9swPymt4t3Fl92C1r0="
        ),
    ]

    @Test(arguments: vectors)
    func vector(_ vector: Vector) throws {
        let secret = try #require(WebhookSecret(vector.secret))
        let signature = WebhookSignature(
            id: vector.id,
            at: Timestamp(seconds: vector.seconds),
            body: Array(vector.body.utf8),
            secrets: [secret]
        )
        #expect(signature.signatures == vector.signature)
        #expect(signature.timestamp == String(vector.seconds))
        #expect(signature.id == vector.id)
    }

    @Test("During a rotation each secret signs, newest first, parted by exactly one space")
    func rotation() throws {
        let old = try #require(WebhookSecret(Self.vectors[0].secret))
        let new = WebhookSecret(bytes: Array(repeating: 7, count: 32))
        func sign(_ secrets: [WebhookSecret]) -> String {
            WebhookSignature(
                id: "evt_1",
                at: Timestamp(microseconds: 1_999_999),
                body: Array("{}".utf8),
                secrets: secrets
            ).signatures
        }
        #expect(sign([new, old]) == sign([new]) + " " + sign([old]))
    }

    @Test("The timestamp is whole seconds, rounded down")
    func wholeSeconds() {
        let time = Timestamp(microseconds: 1_999_999)
        #expect(WebhookSignature(id: "evt_1", at: time, body: [], secrets: []).timestamp == "1")
    }
}

@Suite("Webhook secrets")
struct WebhookSecretTests {
    @Test("A new secret has 32 random bytes and survives its text form")
    func generated() throws {
        var generator = SystemRandomNumberGenerator()
        let secret = WebhookSecret.make(using: &generator)
        #expect(secret.bytes.count == 32)
        #expect(secret != WebhookSecret.make(using: &generator))
        #expect(secret.revealed.hasPrefix("whsec_"))
        #expect(WebhookSecret(secret.revealed) == secret)
    }

    @Test("Nothing that prints a secret prints its value")
    func hidden() throws {
        let secret = try #require(WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), String(describing: [secret]), dumped] {
            #expect(!text.contains("MfKQ9"))
            #expect(!text.contains("49"))
        }
    }

    @Test(
        "What is no secret is refused",
        arguments: ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!", "whpk_AAAA"]
    )
    func malformed(_ text: String) {
        #expect(WebhookSecret(text) == nil)
    }
}

@Suite("Secrets at rest")
struct SecretVaultTests {
    let campus = CampusID(high: 1, low: 2)
    let endpoint = WebhookEndpointID(high: 3, low: 4)
    let secret = WebhookSecret(bytes: Array(0..<32))

    func vault(_ byte: UInt8 = 9) throws -> Vault {
        Vault(try #require(KeyRing(base64Key: base64(Array(repeating: byte, count: 32)))))
    }

    @Test("What was sealed opens, differs each time and does not contain the secret")
    func roundTrip() throws {
        let vault = try vault()
        let first = try vault.seal(secret, for: endpoint, in: campus)
        let second = try vault.seal(secret, for: endpoint, in: campus)
        #expect(first != second)
        #expect(!first.indices.contains { first[$0...].starts(with: secret.bytes.prefix(8)) })
        #expect(try vault.open(first, for: endpoint, in: campus) == secret)
    }

    @Test("It does not open with another key, for another endpoint or campus, or when a bit changed")
    func bound() throws {
        let vault = try vault()
        let sealed = try vault.seal(secret, for: endpoint, in: campus)
        #expect(throws: SecretUnreadable.self) { try self.vault(8).open(sealed, for: endpoint, in: campus) }
        #expect(throws: SecretUnreadable.self) {
            try vault.open(sealed, for: WebhookEndpointID(high: 3, low: 5), in: campus)
        }
        #expect(throws: SecretUnreadable.self) { try vault.open(sealed, for: endpoint, in: CampusID(high: 1, low: 3)) }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: SecretUnreadable.self) { try vault.open(changed, for: endpoint, in: campus) }
        }
        #expect(throws: SecretUnreadable.self) { try vault.open([], for: endpoint, in: campus) }
    }

    @Test("A key is 32 bytes in base64", arguments: ["", "abc", "AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    func keyLength(_ text: String) {
        #expect(KeyRing(base64Key: text) == nil)
    }
}
