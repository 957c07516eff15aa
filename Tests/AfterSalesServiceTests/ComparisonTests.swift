import Model
import Testing

@testable import AfterSalesService

@Suite("Comparing the books of a day")
struct ComparisonTests {
    private func ours(
        _ key: ReconciliationKey,
        _ fen: Int64,
        _ status: ReconciliationRow.Status = .succeeded,
        isOfDay: Bool = true
    ) -> KnownEntry {
        KnownEntry(
            key: key,
            amount: Money(fen: fen),
            isMoved: status.isMoved,
            status: status.rawValue,
            isOfDay: isOfDay
        )
    }

    private func differences(_ ours: [KnownEntry], _ text: String) throws -> [String] {
        let header = "kind,transaction_id,out_refund_no,amount_fen,status,external_id\n"
        return try Comparison.differences(ours: ours, theirs: try PlatformFile(header + text).entries)
            .map { "\($0.kind.rawValue) \($0.key.number)" }
    }

    @Test("What agrees is no difference, however it is written")
    func agree() throws {
        let known = [
            ours(.payment("t1"), 700, .paid), ours(.payment("t1"), 300, .paid), ours(.refund("R1"), 500),
            ours(.refund("R2"), 500, .closed),
        ]
        #expect(try differences(known, "payment,t1,,1000,paid,\nrefund,,R1,500,SUCCESS,\n") == [])
        #expect(
            try differences(known, "payment,t1,,700,paid,A\npayment,t1,,300,paid,B\nrefund,,R1,500,succeeded,\n") == []
        )
        #expect(
            try differences(known, "payment,t1,,1000,paid,\nrefund,,R1,500,success,\nrefund,,R2,500,failed,\n") == []
        )
    }

    @Test("Each way to differ is named")
    func differ() throws {
        let known = [ours(.refund("R1"), 500), ours(.refund("R2"), 500, .closed), ours(.payment("t1"), 9, .paid)]
        let payment = "payment,t1,,9,paid,\n"
        #expect(try differences(known, payment) == ["missing_with_them R1"])
        #expect(try differences(known, payment + "refund,,R1,499,succeeded,\n") == ["amount_differs R1"])
        #expect(try differences(known, payment + "refund,,R1,500,processing,\n") == ["status_differs R1"])
        let refund = payment + "refund,,R1,500,succeeded,\n"
        #expect(try differences(known, refund + "refund,,R2,500,succeeded,\n") == ["status_differs R2"])
        #expect(try differences(known, refund + "refund,,R9,1,succeeded,\n") == ["missing_with_us R9"])
        #expect(try differences(known, refund + "refund,,R9,1,failed,\n") == [])
        #expect(try differences(known, refund + "refund,,R1,500,succeeded,\n") == ["duplicate R1"])
        #expect(try differences(known, refund + payment) == ["duplicate t1"])
        #expect(
            try differences(known, "refund,,R1,1,succeeded,\nrefund,,R1,1,succeeded,\n")
                == ["missing_with_them t1", "amount_differs R1", "duplicate R1"]
        )
    }

    @Test("An attempt that failed is nothing beside one that went through")
    func attempts() throws {
        let known = [ours(.refund("R1"), 500), ours(.refund("R2"), 500, .closed), ours(.payment("t1"), 9, .paid)]
        let text = "payment,t1,,9,failed,\npayment,t1,,9,paid,\nrefund,,R1,500,failed,\nrefund,,R1,500,succeeded,\n"
        #expect(try differences(known, text) == [])
        #expect(try differences(known, text + "refund,,R1,400,failed,\n") == [])
        #expect(try differences(known, text + "refund,,R2,500,failed,\nrefund,,R2,500,failed,\n") == [])
        #expect(try differences(known, text + "refund,,R1,500,succeeded,\n") == ["duplicate R1"])
        let none = "payment,t1,,9,paid,\nrefund,,R1,500,failed,\nrefund,,R1,500,processing,\n"
        #expect(try differences(known, none) == ["status_differs R1"])
        #expect(throws: MoneyOverflow.self) {
            try differences([], "payment,t,,\(Int64.max),paid,A\npayment,t,,1,paid,B\n")
        }
    }

    @Test("What belongs to another day need not be in theirs of this one, and agrees when it is")
    func otherDay() throws {
        let late = [ours(.refund("R1"), 500, isOfDay: false)]
        #expect(try differences(late, "") == [])
        #expect(try differences(late, "refund,,R1,500,succeeded,\n") == [])
        #expect(try differences(late, "refund,,R1,400,succeeded,\n") == ["amount_differs R1"])
    }

    @Test("Money that moved after it was released is a difference, whatever the platform says")
    func released() throws {
        let known = [ours(.refund("R1"), 500, .closed), ours(.refund("R1"), 500, .paidThoughReleased)]
        #expect(try differences(known, "refund,,R1,500,succeeded,\n") == ["status_differs R1"])
        #expect(try differences(known, "") == ["missing_with_them R1"])
    }

    @Test("A file is read as CSV or a JSON object a line; what is of another kind is passed over")
    func files() throws {
        let json = """
            \u{feff}{"kind":"refund","out_refund_no":"R1","amount_fen":5,"status":"succeeded","more":[1]}\r
            {"kind":"trailer","rows":1}

            {"kind":"payment","transaction_id":"t","amount_fen":"7","status":"paid","external_id":"A"}
            """
        let entries = try PlatformFile(json).entries
        #expect(entries.map(\.key) == [.refund("R1"), .payment("t")])
        #expect(entries.map(\.amount.fen) == [5, 7])
        #expect(entries.map(\.line) == [1, 4])
        let guarded = "\u{feff}status,amount_fen,kind,transaction_id\r\npaid,7,payment,'=t\r\n"
        #expect(try PlatformFile(guarded).entries.map(\.key) == [.payment("=t")])
        #expect(try PlatformFile("").entries == [])
    }

    @Test("Every line that cannot be read is named")
    func faults() throws {
        let text = """
            kind,transaction_id,out_refund_no,amount_fen,status
            payment,,,5,paid
            refund,,R1,1.5,succeeded
            refund,,R1,-1,succeeded
            refund,,R1,1,
            refund,,R1,1,succeeded
            """
        do {
            _ = try PlatformFile(text)
            Issue.record("it was read")
        } catch {
            #expect(error.faults.map(\.line) == [2, 3, 4, 5])
        }
        #expect(throws: PlatformFileFaults.self) { try PlatformFile("kind,status\nrefund,x\n") }
        #expect(throws: PlatformFileFaults.self) { try PlatformFile("{\"kind\":\"refund\"\n") }
    }
}
