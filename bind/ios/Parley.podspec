Pod::Spec.new do |s|
  s.name         = "Parley"
  # A release has its own number here: scripts/release.
  s.version      = "0.0.0"
  s.summary      = "Calls and chat with a Parley service."
  s.homepage     = "https://github.com/parley-rtc/parley"
  s.license      = { :type => "Apache-2.0", :file => "LICENSE" }
  s.author       = "The Parley authors"
  # The archive of a release holds ParleyCore.xcframework, which `make bind-ios` makes.
  s.source       = { :http => "https://github.com/parley-rtc/parley/releases/download/v#{s.version}/parley-ios.zip" }
  s.ios.deployment_target = "13.0"
  s.swift_version = "5.7"
  s.source_files = "Sources/Parley/*.swift", "Sources/ParleyPCM/**/*.{h,m}"
  s.public_header_files = "Sources/ParleyPCM/include/*.h"
  # One module here: the sources leave out what is a module of its own in Package.swift.
  s.pod_target_xcconfig = { "SWIFT_ACTIVE_COMPILATION_CONDITIONS" => "$(inherited) COCOAPODS" }
  s.resource_bundles = { "ParleyPrivacy" => ["Sources/Parley/PrivacyInfo.xcprivacy"] }
  s.vendored_frameworks = "ParleyCore.xcframework"
  # ParleyCore is static: one copy of it in an application.
  s.static_framework = true
  s.frameworks   = "AVFoundation", "AudioToolbox", "CallKit", "PushKit", "VideoToolbox", "Network", "Security", "CoreFoundation"
  s.library      = "resolv"
end
