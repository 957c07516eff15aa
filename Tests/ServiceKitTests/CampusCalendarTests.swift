import Logging
import Model
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Campus calendar")
struct CampusCalendarTests {
    private func campus(_ settings: String, offset: Int64 = 8 * 3_600) throws -> Campus {
        Campus(
            id: CampusID(high: 1, low: 1),
            code: "north",
            name: "North",
            isTest: false,
            settings: try CampusSettings(json: try JSON(parsing: settings)),
            timezone: CampusTimezone(
                name: "Asia/Shanghai",
                changes: [CampusTimezone.Change(since: Timestamp(seconds: 0), offset: offset)]
            )
        )
    }

    private func time(_ text: String) throws -> Timestamp {
        try #require(Timestamp(rfc3339: text))
    }

    @Test("Settings have defaults, and read back what they wrote")
    func settings() throws {
        let defaults = try CampusSettings(json: [:])
        #expect(defaults == CampusSettings())
        #expect(defaults.paymentDeadline == .seconds(900))
        #expect(try CampusSettings(json: defaults.json) == defaults)
        let own = try CampusSettings(json: ["payment_deadline_s": 60, "brake_customer_day_fen": 5])
        #expect(own.paymentDeadline == .seconds(60))
        #expect(own.brakeCustomerDay == Money(fen: 5))
        #expect(try CampusSettings(json: own.json) == own)
    }

    @Test("Settings that make no sense are refused, all faults at once")
    func refuse() throws {
        let error = try #require(throws: Problem.self) {
            try CampusSettings(
                json: [
                    "payment_deadline_s": 0, "surprise": 1, "late_threshold_s": "soon",
                    "calendar": ["opening": [["from": "25:00", "to": "22:00"]], "days_off": ["2026-02-30"]],
                ]
            )
        }
        #expect(
            Set(error.faults.map(\.pointer)) == [
                "/payment_deadline_s", "/surprise", "/late_threshold_s", "/calendar/opening/0/from",
                "/calendar/days_off/0",
            ]
        )
        #expect(throws: Problem.self) {
            try CampusSettings(json: ["calendar": ["terms": [["from": "2026-07-01", "to": "2026-02-01"]]]])
        }
    }

    @Test("Nothing set is always open")
    func alwaysOpen() throws {
        #expect(try campus("{}").isOpen(at: time("2026-03-01T20:00:00Z")))
    }

    @Test(
        "Opening hours, curfew, terms and days off, in local time",
        arguments: [
            ("2026-03-02T22:29:00Z", false), ("2026-03-02T22:30:00Z", true), ("2026-03-03T14:29:59Z", true),
            ("2026-03-03T14:30:00Z", false),
            // Saturday opens later.
            ("2026-03-06T23:00:00Z", false), ("2026-03-07T01:00:00Z", true),
            // A day off, and outside the term.
            ("2026-05-01T04:00:00Z", false), ("2026-07-20T04:00:00Z", false), ("2026-07-05T04:00:00Z", true),
        ]
    )
    func isOpen(text: String, expected: Bool) throws {
        let campus = try campus(
            """
            {"calendar": {"terms": [{"from": "2026-02-23", "to": "2026-07-05"}], "days_off": ["2026-05-01"],
              "opening": [{"weekdays": [1,2,3,4,5], "from": "06:30", "to": "22:30"},
                          {"weekdays": [6,7], "from": "08:00", "to": "22:30"}]}}
            """
        )
        #expect(campus.isOpen(at: try time(text)) == expected)
    }

    @Test("Spans past midnight belong to the day they begin on")
    func pastMidnight() throws {
        let campus = try campus(
            """
            {"calendar": {"opening": [{"weekdays": [5], "from": "18:00", "to": "02:00"}],
                          "curfew": {"from": "01:00", "to": "05:00"}}}
            """
        )
        // Friday 2026-03-06, local.
        #expect(campus.isOpen(at: try time("2026-03-06T15:59:00Z")))
        #expect(campus.isOpen(at: try time("2026-03-06T16:30:00Z")))
        #expect(!campus.isOpen(at: try time("2026-03-06T17:30:00Z")))
        #expect(!campus.isOpen(at: try time("2026-03-05T16:30:00Z")))
        #expect(!campus.isOpen(at: try time("2026-03-07T10:30:00Z")))
    }

    @Test("Our clocks run only while the campus is open")
    func deadline() throws {
        let campus = try campus(#"{"calendar": {"opening": [{"from": "07:00", "to": "22:00"}]}}"#)
        let late = try time("2026-03-02T13:50:00Z")
        #expect(campus.deadline(after: .seconds(300), from: late) == late + .seconds(300))
        // Ten minutes left today, five more tomorrow from seven.
        #expect(campus.deadline(after: .seconds(900), from: late) == (try time("2026-03-02T23:05:00Z")))
        #expect(
            campus.deadline(after: .seconds(60), from: try time("2026-03-02T15:00:30Z"))
                == (try time("2026-03-02T23:01:00Z"))
        )
        #expect(try self.campus("{}").deadline(after: .seconds(900), from: late) == late + .seconds(900))
        let closed = try self.campus(#"{"calendar": {"terms": [{"from": "2020-01-01", "to": "2020-01-02"}]}}"#)
        #expect(closed.deadline(after: .seconds(1), from: late, horizon: .seconds(86_400)) == late + .seconds(86_400))
    }

    @Test("A deadline is where counting the open minutes one by one ends", arguments: 0..<60)
    func deadlineByMinutes(seed: Int64) throws {
        let calendars = [
            #"{"opening": [{"from": "07:00", "to": "22:00"}], "curfew": {"from": "21:30", "to": "06:45"}}"#,
            #"{"opening": [{"weekdays": [5, 6], "from": "18:00", "to": "02:00"}, {"from": "11:00", "to": "13:30"}]}"#,
            #"{"terms": [{"from": "2026-03-03", "to": "2026-04-02"}], "days_off": ["2026-03-04"]}"#,
            #"{"curfew": {"from": "23:00", "to": "05:00"}}"#,
        ]
        let summerTime = CampusTimezone(
            name: "Europe/Berlin",
            changes: [
                CampusTimezone.Change(since: Timestamp(seconds: 0), offset: 3_600),
                CampusTimezone.Change(since: try time("2026-03-29T01:00:00Z"), offset: 7_200),
            ]
        )
        let shown = try campus(#"{"calendar": \#(calendars[Int(seed) % 4])}"#)
        let campus = Campus(
            id: shown.id,
            code: shown.code,
            name: shown.name,
            isTest: false,
            settings: shown.settings,
            timezone: seed % 3 == 0 ? summerTime : shown.timezone
        )
        let start = try time("2026-03-01T00:00:00Z") + .seconds(seed * 41_113)
        let duration = Duration.seconds(30 + seed * seed * 37)

        var left = duration
        var minute = start
        while left > .zero {
            let next = Timestamp(seconds: (minute.seconds / 60 + 1) * 60)
            let step = min(next.duration(since: minute), left)
            if campus.isOpen(at: minute) { left -= step }
            minute = left > .zero ? next : minute + step
            guard minute < start + .seconds(60 * 86_400) else { break }
        }
        #expect(campus.deadline(after: duration, from: start) == min(minute, start + .seconds(60 * 86_400)))
    }

    @Test("A campus that stays closed is looked at opening by opening, not minute by minute", .timeLimit(.minutes(1)))
    func farDeadline() throws {
        let closed = try campus(#"{"calendar": {"terms": [{"from": "2020-01-01", "to": "2020-01-02"}]}}"#)
        let start = try time("2026-03-02T00:00:00Z")
        let centuries = Duration.seconds(500 * 365 * 86_400)
        #expect(closed.deadline(after: .seconds(1), from: start, horizon: centuries) == start + centuries)
    }

    @Test("Local time is told to the minute")
    func localTime() throws {
        let shown = try campus("{}").localTime(at: try time("2026-02-28T23:05:59Z"))
        #expect(shown.month == 3)
        #expect(shown.dayOfMonth == 1)
        #expect(shown.clock == "07:05")
        #expect(try time("2026-02-28T23:05:00.000001Z").roundedUpToMinute == (try time("2026-02-28T23:06:00Z")))
        #expect(try time("2026-02-28T23:06:00Z").roundedUpToMinute == (try time("2026-02-28T23:06:00Z")))
    }

    @Test("Days and weekdays follow the local clock")
    func days() throws {
        let campus = try campus("{}")
        #expect(campus.localDay(at: try time("2026-02-28T15:59:59Z")).description == "2026-02-28")
        let day = campus.localDay(at: try time("2026-02-28T16:00:00Z"))
        #expect(day.description == "2026-03-01")
        #expect(day.weekday == 7)
        #expect(campus.start(of: day) == (try time("2026-02-28T16:00:00Z")))
        #expect(CampusCalendar.Day("1969-12-31")?.weekday == 3)
        #expect(CampusCalendar.Day("2026-3-1") == nil)
    }

    @Test("Timezones come from the database, summer time included")
    func timezones() async throws {
        try await withDatabase { database in
            let now = try time("2026-03-01T00:00:00Z")
            let pool = try database.pool(as: .notifyService)
            let (shanghai, berlin) = try await pool.autocommit { session in
                (
                    try CampusStore().timezone("Asia/Shanghai", around: now, in: session),
                    try CampusStore().timezone("Europe/Berlin", around: now, in: session)
                )
            }
            #expect(shanghai.localSeconds(at: now) - now.seconds == 8 * 3_600)
            let before = try time("2026-03-29T00:59:59Z")
            let after = try time("2026-03-29T01:00:00Z")
            #expect(berlin.localSeconds(at: before) - before.seconds == 3_600)
            #expect(berlin.localSeconds(at: after) - after.seconds == 7_200)
            #expect(berlin.time(ofLocalSeconds: berlin.localSeconds(at: after)) == after)
            let summer = try time("2026-10-25T00:30:00Z")
            // 02:30 is shown twice that night; the earlier one is meant.
            #expect(berlin.time(ofLocalSeconds: berlin.localSeconds(at: summer)) == summer)
            #expect(berlin.time(ofLocalSeconds: berlin.localSeconds(at: summer + .seconds(3_600))) == summer)
        }
    }

    @Test("A campus in an unknown timezone is refused by the database")
    func unknownTimezone() async throws {
        try await withDatabase { database in
            let campus = StoredCampus(
                id: CampusID(high: 1, low: 1),
                code: "x1",
                name: "X",
                timezone: "Mars/Olympus",
                isTest: false,
                settings: [:]
            )
            await #expect(throws: PostgresError.self) {
                try await database.pool().transaction { try CampusStore().insert(campus, in: $0) }
            }
        }
    }
}
