import Foundation
import ParleyCore

/// What the service tells a phone that sleeps (docs/push.md). Anybody may have
/// sent it: it is a reason to look, no proof. What is not known is empty.
public struct Push: Equatable, Sendable {
    /// What a push tells of.
    public enum Kind: Int32, Sendable {
        /// Something that this layer does not know.
        case other = 0
        /// Somebody calls: sign in, and wait with `CallAgent.awaitIncomingCall`.
        case call = 1
        /// There is a message to fetch.
        case chat = 2
    }

    /// What it tells of.
    public let kind: Kind
    /// The call that rings.
    public let callID: UUID?
    /// The raw id of who calls.
    public let fromID: String
    /// The name that the caller gave.
    public let displayName: String
    /// Whether the caller sends video.
    public let hasVideo: Bool
    /// The thread of the message.
    public let threadID: String
    /// The message.
    public let messageID: String
    /// The raw id of who wrote it.
    public let senderID: String
    /// The name of who wrote it.
    public let senderDisplayName: String
    /// The beginning of the message when the service sends it.
    public let text: String

    /// Reads the payload of PushKit or of a notification. Throws `ParleyError` with
    /// `invalidArgument` for one that is not Parley's.
    public init(_ payload: [AnyHashable: Any]) throws {
        guard JSONSerialization.isValidJSONObject(payload) else {
            throw ParleyError(code: .invalidArgument, message: "the push is no JSON")
        }
        let json = try typed { try JSONSerialization.data(withJSONObject: payload) }
        let push: ParleyMobilePushPayload = try made { ParleyMobileParsePush(String(decoding: json, as: UTF8.self), $0) }
        kind = Kind(rawValue: push.kind) ?? .other
        callID = UUID(uuidString: push.callID)
        fromID = push.fromID
        displayName = push.displayName
        hasVideo = push.video
        threadID = push.threadID
        messageID = push.messageID
        senderID = push.senderID
        senderDisplayName = push.senderDisplayName
        text = push.text
    }
}

extension Client {
    /// Has this phone woken for messages and calls. `token` is that of
    /// notifications, `voIPToken` that of PushKit; one may be empty. `sandbox` is
    /// for applications that Xcode has put on the phone.
    public func registerPush(
        _ credential: Credential, deviceID: String, token: Data, voIPToken: Data, sandbox: Bool = false
    ) async throws {
        let device: ParleyMobilePushDevice = ParleyMobilePushDevice()
        device.id_ = deviceID
        device.platform = ParleyMobilePushPlatformAPNs
        device.token = hexadecimal(token)
        device.voIPToken = hexadecimal(voIPToken)
        device.sandbox = sandbox
        let core: ParleyMobileClient = self.core
        try await waiting { try core.registerPush(credential.core, device: device) }
    }

    /// The phone is woken no more. Throws `ParleyError`.
    public func unregisterPush(_ credential: Credential, deviceID: String) async throws {
        let core: ParleyMobileClient = self.core
        try await waiting { try core.unregisterPush(credential.core, deviceID: deviceID) }
    }
}

private func hexadecimal(_ data: Data) -> String {
    data.map { String(format: "%02x", $0) }.joined()
}
