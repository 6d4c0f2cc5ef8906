// swift-tools-version:5.7
import PackageDescription

// ParleyCore.xcframework is made by `make bind-ios` on a Mac; it is no part of
// the repository.
let package = Package(
    name: "Parley",
    platforms: [.iOS(.v13)],
    products: [.library(name: "Parley", targets: ["Parley"])],
    targets: [
        .binaryTarget(name: "ParleyCore", path: "ParleyCore.xcframework"),
        .target(
            name: "ParleyPCM",
            dependencies: ["ParleyCore"],
            linkerSettings: [.linkedFramework("AudioToolbox")]
        ),
        .target(
            name: "Parley",
            dependencies: ["ParleyCore", "ParleyPCM"],
            resources: [.copy("PrivacyInfo.xcprivacy")],
            // Go asks the system's resolver, and whether it trusts a certificate.
            linkerSettings: [.linkedLibrary("resolv"), .linkedFramework("Security"), .linkedFramework("CoreFoundation")]
        ),
    ]
)
