import Model
import Postgres
import ServiceKit

/// A secret that opens one stream once, for clients that cannot send headers (EventSource).
///
/// It is stored as a digest only.
struct StreamTicket: Sendable {
    /// Whose inbox it shows.
    let recipient: Recipient
    /// Who of the recipient's campus asked for it.
    let owner: String
    /// Until when it can be used.
    let expiresAt: Timestamp
    /// When the credential that it stands in for ends; nil when it does not by itself.
    let credentialExpiresAt: Timestamp?

    /// How long a ticket can be used.
    static let lifetime = Duration.seconds(60)

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    /// A new secret with 240 random bits, in characters that need no escaping in a query.
    static func makeSecret(using generator: inout some RandomNumberGenerator) -> String {
        // 64 characters, so that each carries six bits.
        "st_" + String((0..<40).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] })
    }
}

/// Stores tickets.
struct StreamTicketStore: Sendable {
    /// Keeps a ticket until it is used or expires.
    func insert(_ ticket: StreamTicket, secret: String, in session: borrowing Session) throws {
        try session.execute(
            """
            insert into campus.stream_ticket (
                sha256, campus_id, recipient_kind, recipient_id, owner, expires_at, credential_expires_at
            ) values (
                \(SHA256Digest(of: secret.utf8).bytes), \(ticket.recipient.campus), \(ticket.recipient.kind),
                \(ticket.recipient.id), \(ticket.owner), \(ticket.expiresAt), \(ticket.credentialExpiresAt)
            )
            """
        )
    }

    /// Uses up a ticket; nil when it is unknown, was used, or expired before `time`.
    func redeem(_ secret: String, at time: Timestamp, in session: borrowing Session) throws -> StreamTicket? {
        try session.first(
            """
            delete from campus.stream_ticket
            where sha256 = \(SHA256Digest(of: secret.utf8).bytes) and expires_at > \(time)
            returning campus_id, recipient_kind, recipient_id, owner, expires_at, credential_expires_at
            """
        ) { row in
            StreamTicket(
                recipient: Recipient(campus: try row[0], kind: try row[1], id: try row[2]),
                owner: try row[3],
                expiresAt: try row[4],
                credentialExpiresAt: try row[5]
            )
        }
    }

    /// Removes tickets that expired before `time`.
    func prune(expiredBefore time: Timestamp, in session: borrowing Session) throws -> Int {
        try session.execute("delete from campus.stream_ticket where expires_at < \(time)")
    }
}
