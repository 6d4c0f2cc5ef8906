// Stands in for the Objective-C target ParleyPCM in verify/swift, as Swift imports it.

import Foundation
import ParleyCore

public class ParleyVoiceUnit: NSObject {
    public init?(audio: ParleyMobileAudio) {}
    public func start() throws {}
    public func stop() {}
}
