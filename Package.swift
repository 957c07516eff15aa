// swift-tools-version: 6.2
import PackageDescription

/// For the one target over C: whole-module builds attribute `timespec` to an overlay that no source file can import, so that
/// `MemberImportVisibility` refuses its members there.
let strictOverC: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
let strict: [SwiftSetting] = strictOverC + [.enableUpcomingFeature("MemberImportVisibility")]

let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let jwt: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let asyncAlgorithms: Target.Dependency = .product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")

/// What every service stands on.
let foundations: [Target.Dependency] = ["Model", "Postgres", "EventLog", "Schema", "ServiceKit"]
/// What a service needs at its edge: its commands, its routes, its long-lived tasks.
let edge: [Target.Dependency] = [
    hummingbird, lifecycle, logging, configuration, argumentParser, crypto, nioCore, httpTypes,
]

/// A suite of tests, in a folder of its name, with what it needs beside `TestSupport`.
func suite(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: ["TestSupport"] + dependencies, swiftSettings: strict)
}

let suites: [Target] = [
    suite("ModelTests", ["Model"]),
    suite("PostgresTests", ["Model", "Postgres", logging, lifecycle]),
    suite("EventLogTests", ["Model", "Postgres", "EventLog", "Schema", logging, lifecycle]),
    suite("SchemaTests", ["Model", "Postgres", "Schema", logging]),
    suite("ServiceKitTests", foundations + edge + [hummingbirdTesting, httpClient, nioHTTP1, jwt, cryptoExtras]),
    suite(
        "OrderServiceTests",
        foundations + edge + ["OrderService", hummingbirdTesting, httpClient, nioHTTP1, cryptoExtras]
    ),
    suite("AfterSalesServiceTests", foundations + edge + ["AfterSalesService", hummingbirdTesting]),
    suite("NotifyServiceTests", foundations + edge + ["NotifyService", hummingbirdTesting, httpClient, nioHTTP1]),
    suite("CampusSimulatorTests", ["Model", "CampusSimulator"] + edge),
    suite("SystemTests", foundations + edge + ["CampusSimulator", httpClient]),
]

/// `ONLY_TESTS=PostgresTests swift build --build-tests` plans that one suite, for quick rounds on a small machine.
let plannedSuites = suites.filter { suite in Context.environment["ONLY_TESTS"].map { $0 == suite.name } ?? true }

let package = Package(
    name: "campus-after-sales",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "OrderService", targets: ["OrderService"]),
        .executable(name: "AfterSalesService", targets: ["AfterSalesService"]),
        .executable(name: "NotifyService", targets: ["NotifyService"]),
        .executable(name: "CampusSimulator", targets: ["CampusSimulator"]),
        .executable(name: "Benchmarks", targets: ["Benchmarks"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        // Shared, bottom first.
        .systemLibrary(
            name: "CLibPQ",
            path: "Sources/Shared/CLibPQ",
            pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"]), .brew(["libpq"])]
        ),
        .target(name: "Model", path: "Sources/Shared/Model", swiftSettings: strict),
        .target(
            name: "Postgres",
            dependencies: ["CLibPQ", "Model", lifecycle, logging, deque],
            path: "Sources/Shared/Postgres",
            swiftSettings: strictOverC
        ),
        .target(
            name: "EventLog",
            dependencies: ["Model", "Postgres", lifecycle, logging, deque],
            path: "Sources/Shared/EventLog",
            swiftSettings: strict
        ),
        .target(
            name: "Schema",
            dependencies: ["Model", "Postgres", logging],
            path: "Sources/Shared/Schema",
            resources: [.embedInCode("Migrations")],
            swiftSettings: strict
        ),
        .target(
            name: "ServiceKit",
            dependencies: [
                "Model", "Postgres", "EventLog", "Schema", jwt, httpClient, nioHTTP1, nioHTTPTypes, systemPackage,
            ] + edge,
            path: "Sources/Shared/ServiceKit",
            swiftSettings: strict
        ),

        // The three services.
        .executableTarget(
            name: "OrderService",
            dependencies: foundations + edge + [httpClient, nioHTTP1],
            swiftSettings: strict
        ),
        .executableTarget(name: "AfterSalesService", dependencies: foundations + edge, swiftSettings: strict),
        .executableTarget(
            name: "NotifyService",
            dependencies: foundations + edge + [httpClient, nioHTTP1],
            swiftSettings: strict
        ),

        // What plays on them and measures them.
        .executableTarget(
            name: "CampusSimulator",
            dependencies: [
                "Model", hummingbird, httpClient, argumentParser, crypto, logging, lifecycle, unixSignals, nioCore,
                nioHTTP1, httpTypes,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Benchmarks",
            dependencies: foundations + [argumentParser, httpClient, logging, lifecycle, nioCore, nioHTTP1],
            swiftSettings: strict
        ),

        // What the suites share: a private Postgres cluster, databases from a template, a clock that is told the time.
        .target(
            name: "TestSupport",
            dependencies: ["Model", "Postgres", "Schema", logging, httpTypes],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
    ] + plannedSuites
)
