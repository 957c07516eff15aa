import Foundation
import Testing

@testable import CampusSimulator

/// The vectors are those of the Standard Webhooks and Svix libraries.
@Suite("Believing a webhook")
struct WebhookSignatureTests {
    struct Vector: Sendable {
        var secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        var id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
        var timestamp: Int64 = 1_614_265_330
        var body: String
        var signature: String
    }

    static let vectors = [
        Vector(body: #"{"test": 2432232314}"#, signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        Vector(
            secret: "whsec_plJ3nmyCDGBKInavdOK15jsl",
            id: "msg_loFOjxBNrRLzqYUf",
            timestamp: 1_731_705_121,
            body: #"{"event_type":"ping","data":{"success":true}}"#,
            signature: "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
        ),
        Vector(
            body: #"{"type":"refund.approved","note":"退款成功😀"}"#,
            signature: "v1,20XDlM5ELRvPb9YbdXYcejgpk9swPymt4t3Fl92C1r0="
        ),
    ]

    private func verify(
        _ vector: Vector,
        signatures: String? = nil,
        body: String? = nil,
        after seconds: Int64 = 0
    ) throws {
        try WebhookSignature(secret: vector.secret).verify(
            id: vector.id,
            timestamp: "\(vector.timestamp)",
            signatures: signatures ?? vector.signature,
            body: Data((body ?? vector.body).utf8),
            now: vector.timestamp + seconds
        )
    }

    @Test("The libraries' own vectors verify", arguments: vectors)
    func acceptsVectors(vector: Vector) throws {
        try verify(vector)
        try verify(vector, after: 300)
        try verify(vector, signatures: "v1a,AAAA v1,AAAA \(vector.signature)")
    }

    @Test("A changed byte, a bare version, an old or future timestamp do not", arguments: vectors)
    func refusesForgeries(vector: Vector) {
        #expect(throws: WebhookSignature.Fault.noMatch) { try verify(vector, body: vector.body + " ") }
        #expect(throws: WebhookSignature.Fault.noMatch) { try verify(vector, signatures: "v1,") }
        #expect(throws: WebhookSignature.Fault.noMatch) { try verify(vector, signatures: "") }
        #expect(throws: WebhookSignature.Fault.tooOld) { try verify(vector, after: 301) }
        #expect(throws: WebhookSignature.Fault.tooOld) { try verify(vector, after: -301) }
    }

    @Test("A secret that is not one is refused", arguments: ["", "whsec_%%%", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    func refusesMalformedSecrets(secret: String) {
        #expect(throws: WebhookSignature.Fault.malformedSecret) { try WebhookSignature(secret: secret) }
    }
}
