/// A type of the server: its number in `pg_type`, and that of arrays of it.
///
/// The numbers of built-in types are fixed for ever (`src/include/catalog/pg_type.dat`).
public struct PostgresType: Hashable, Sendable {
    /// The type's number.
    public let oid: UInt32
    /// The number of the array type; 0 when there is none.
    public let arrayOID: UInt32

    /// Names a type.
    public init(oid: UInt32, arrayOID: UInt32) {
        self.oid = oid
        self.arrayOID = arrayOID
    }

    /// Truth.
    public static let boolean = PostgresType(oid: 16, arrayOID: 1000)
    /// Bytes.
    public static let bytea = PostgresType(oid: 17, arrayOID: 1001)
    /// A single byte, as in the system's catalogues.
    public static let character = PostgresType(oid: 18, arrayOID: 1002)
    /// The name of an object.
    public static let name = PostgresType(oid: 19, arrayOID: 1003)
    /// 64-bit integer.
    public static let int8 = PostgresType(oid: 20, arrayOID: 1016)
    /// 16-bit integer.
    public static let int2 = PostgresType(oid: 21, arrayOID: 1005)
    /// 32-bit integer.
    public static let int4 = PostgresType(oid: 23, arrayOID: 1007)
    /// Text.
    public static let text = PostgresType(oid: 25, arrayOID: 1009)
    /// Number of an object.
    public static let oid = PostgresType(oid: 26, arrayOID: 1028)
    /// JSON kept as text.
    public static let json = PostgresType(oid: 114, arrayOID: 199)
    /// Single-precision number.
    public static let float4 = PostgresType(oid: 700, arrayOID: 1021)
    /// Double-precision number.
    public static let float8 = PostgresType(oid: 701, arrayOID: 1022)
    /// A literal whose type nothing decided.
    public static let unknown = PostgresType(oid: 705, arrayOID: 0)
    /// Blank-padded text.
    public static let bpchar = PostgresType(oid: 1042, arrayOID: 1014)
    /// Text of limited length.
    public static let varchar = PostgresType(oid: 1043, arrayOID: 1015)
    /// A moment.
    public static let timestamptz = PostgresType(oid: 1184, arrayOID: 1185)
    /// A span of time.
    public static let interval = PostgresType(oid: 1186, arrayOID: 1187)
    /// Exact number; what `sum(bigint)` returns.
    public static let numeric = PostgresType(oid: 1700, arrayOID: 1231)
    /// Nothing, as functions return it.
    public static let void = PostgresType(oid: 2278, arrayOID: 0)
    /// Universally unique identifier.
    public static let uuid = PostgresType(oid: 2950, arrayOID: 2951)
    /// JSON in binary form.
    public static let jsonb = PostgresType(oid: 3802, arrayOID: 3807)
    /// Transaction number that never wraps.
    public static let xid8 = PostgresType(oid: 5069, arrayOID: 271)

    /// The first number of a type that an extension or a migration created, such as an enum.
    static let firstCreatedOID: UInt32 = 16384
}
