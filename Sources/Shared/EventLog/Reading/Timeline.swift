import Postgres

/// Which history of itself a server writes: another one once a standby has taken over, or a backup was restored to an earlier point.
///
/// What the former history had last may be missing from it, and its numbers were then given again. A place that somebody keeps
/// outside the database means the same only as long as the timeline is the same.
public enum Timeline {
    /// The number of the present one, as an expression.
    public static let current: SQL =
        "(select ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint)"
}
