import ArgumentParser
import Foundation
import Logging
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Configuration")
struct ConfigurationTests {
    @Test("Defaults hold where nothing is set")
    func defaults() throws {
        let configuration = try ServiceConfiguration(
            Probe.allSettings,
            values: ["DATABASE_URL": "postgresql://x", "SEALING_KEY": "k"]
        )
        #expect(try configuration[.httpPort] == 0)
        #expect(try configuration[.databasePoolSize] == 16)
        #expect(try configuration[.statsInterval] == .seconds(10))
        #expect(try configuration[.logLevel] == .info)
        #expect(try configuration[Probe.greeting] == "hello")
    }

    @Test("What is set is read by its type")
    func values() throws {
        let configuration = try ServiceConfiguration(
            Probe.allSettings,
            values: [
                "DATABASE_URL": "postgresql://x", "SEALING_KEY": "k", "HTTP_PORT": "8099", "LOG_FORMAT": "text",
                "HTTP_BODY_TIMEOUT_S": "0.25", "LOG_LEVEL": "debug",
            ]
        )
        #expect(try configuration[.httpPort] == 8_099)
        #expect(try configuration[.httpBodyTimeout] == .milliseconds(250))
        #expect(try configuration[.logFormat] == .text)
        #expect(try configuration[.logLevel] == .debug)
    }

    @Test("Every fault is named at once and says what to do; secrets are not quoted")
    func faults() throws {
        let error = try #require(throws: ConfigurationFaults.self) {
            try ServiceConfiguration(
                Probe.allSettings,
                values: [
                    "SEALING_KEY": "", "HTTP_PORT": "70000", "LOG_LEVEL": "loud", "DATABASE_POOL_SIZE": "many",
                    "HTTP_HOST": "",
                ]
            )
        }
        #expect(error.faults.count == 6)
        for name in ["DATABASE_URL", "SEALING_KEY", "HTTP_PORT", "LOG_LEVEL", "DATABASE_POOL_SIZE", "HTTP_HOST"] {
            #expect(error.faults.contains { $0.hasPrefix(name) }, "\(name)")
        }
        #expect(error.description.contains("0 to 65535"))
        #expect(error.description.contains("\"loud\""))
        let secret = try #require(throws: ConfigurationFaults.self) {
            try ServiceConfiguration(
                [
                    Setting<Int>(name: "PIN", meaning: "A number.", allowed: "digits", standard: nil, isSecret: true) {
                        Int($0)
                    }
                ],
                values: ["PIN": "hunter2"]
            )
        }
        #expect(!secret.description.contains("hunter2"))
    }

    @Test("The command line knows only settings that exist")
    func overrides() async throws {
        await #expect(throws: ConfigurationFaults.self) {
            try await ServiceConfiguration(Probe.allSettings, overrides: ["HTTP_PRT=1"])
        }
        await #expect(throws: ConfigurationFaults.self) {
            try await ServiceConfiguration(Probe.allSettings, overrides: ["HTTP_PORT"])
        }
        let configuration = try await ServiceConfiguration(
            Probe.allSettings,
            overrides: ["DATABASE_URL=postgresql://x?a=b", "SEALING_KEY=s", "HTTP_PORT=81"]
        )
        #expect(try configuration[.databaseURL] == "postgresql://x?a=b")
        #expect(try configuration[.httpPort] == 81)
    }

    @Test("A setting that the process does not declare is a fault of the program")
    func undeclared() throws {
        let configuration = try ServiceConfiguration([Setting.httpHost], values: [:])
        #expect(throws: UndeclaredSetting.self) { try configuration[.httpPort] }
    }

    @Test("docs/configuration.md lists each common setting as it is declared")
    func documented() throws {
        let page = try Repository.text(of: "docs/configuration.md")
        for setting in SharedSettings.all(port: 8_080) + OperatorSettings.all {
            let row = page.split(separator: "\n").first { $0.hasPrefix("| `\(setting.name)` ") }
            let found = try #require(row, "\(setting.name)")
            #expect(found.contains(setting.meaning), "\(setting.name)")
            #expect(found.contains(setting.allowed), "\(setting.name)")
        }
    }

    @Test("--help lists every setting")
    func help() {
        let text = ServiceCommands<Probe>.configuration.discussion
        for setting in Probe.allSettings { #expect(text.contains(setting.name)) }
    }
}
