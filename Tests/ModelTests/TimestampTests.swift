import Model
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-01T04:05:06.789Z", 1_772_337_906_789_000),
        ("2000-02-29T23:59:59.999999Z", 951_868_799_999_999),
        ("1969-12-31T23:59:59.5Z", -500_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
    ])
    func textAndValueAgree(text: String, microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
        #expect(Timestamp(microseconds: microseconds).rfc3339 == text)
    }

    @Test(arguments: [
        ("2026-03-01T12:05:06+08:00", "2026-03-01T04:05:06Z"),
        ("2026-03-01t04:05:06z", "2026-03-01T04:05:06Z"),
        ("2026-02-28T23:30:00-05:30", "2026-03-01T05:00:00Z"),
        ("2026-03-01T04:05:06.1234567891Z", "2026-03-01T04:05:06.123456Z"),
    ])
    func otherSpellingsAreReadAndWrittenInOneWay(text: String, canonical: String) {
        #expect(Timestamp(rfc3339: text)?.rfc3339 == canonical)
    }

    @Test(arguments: [
        "", "2026", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Z ", "0000-01-01T00:00:00Z", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0800", "２026-01-01T00:00:00Z",
    ])
    func whatIsNoTimeIsRefused(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func everyDayOfFourCenturiesSurvivesTheRoundTrip() {
        for day in stride(from: Int64(-80_000), to: 80_000, by: 1) {
            let noon = Timestamp(seconds: day * 86_400 + 43_200)
            #expect(Timestamp(rfc3339: noon.rfc3339) == noon)
        }
    }

    @Test func durationsAddUp() {
        let start = Timestamp(seconds: 100)
        #expect((start + .seconds(90)).duration(since: start) == .seconds(90))
        #expect(start - .milliseconds(1) < start)
    }
}
