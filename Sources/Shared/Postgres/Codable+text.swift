import Model

extension String: PostgresCodable {
    /// A `String` is `text`.
    public static var postgresType: PostgresType { .text }

    /// Appends UTF-8.
    public func encode(into writer: inout BindWriter) {
        writer.write(text: self)
    }

    /// Reads any type whose binary form is its text: text types, names, `json`, enums; and `jsonb` and `uuid` as text.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        switch type {
        case PostgresType.text.oid, PostgresType.varchar.oid, PostgresType.bpchar.oid, PostgresType.name.oid,
            PostgresType.json.oid, PostgresType.character.oid, PostgresType.unknown.oid,
            PostgresType.firstCreatedOID...:
            self = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        case PostgresType.jsonb.oid:
            let text = bytes.extracting(try jsonbText(bytes))
            self = text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        case PostgresType.uuid.oid:
            self = try UUIDHalves(decoding: bytes, type: type).description
        case PostgresType.void.oid:
            self = ""
        default:
            throw .wrongType(type)
        }
    }
}

/// Where the text of a `jsonb` lies: after one byte of version (`jsonb_send` in the server's `jsonb.c`).
func jsonbText(_ bytes: RawSpan) throws(DecodingFault) -> Range<Int> {
    var reader = SpanReader(count: bytes.byteCount)
    guard try reader.integer(from: bytes) as UInt8 == 1 else { throw DecodingFault("an unknown version of jsonb") }
    return try reader.take(reader.remaining)
}
