import CLibPQ

/// The owner of one of libpq's results, freed exactly once.
struct ResultHandle: ~Copyable {
    let pointer: OpaquePointer

    init?(owning pointer: OpaquePointer?) {
        guard let pointer else { return nil }
        self.pointer = pointer
    }

    deinit {
        PQclear(pointer)
    }

    var status: ExecStatusType { PQresultStatus(pointer) }

    var rowCount: Int { Int(PQntuples(pointer)) }

    /// How many rows a command touched; 0 for commands that touch none.
    var affectedRows: Int {
        guard let digits = PQcmdTuples(pointer) else { return 0 }
        var count = 0
        var next = digits
        while next.pointee != 0 {
            count = count * 10 + Int(next.pointee) - 48
            next += 1
        }
        return count
    }

    /// Whether the server answered a COMMIT by rolling back.
    var isRollback: Bool {
        guard let tag = PQcmdStatus(pointer) else { return false }
        return tag.pointee == 0x52
    }
}
