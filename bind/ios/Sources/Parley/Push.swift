import Foundation
import ParleyCore

/// What the service tells a phone that sleeps (docs/push.md). Anybody may have
/// sent it: it is a reason to look, no proof. What is not known is empty.
public struct Push: Equatable, Sendable {
    public enum Kind: Int32, Sendable {
        case other = 0
        /// Somebody calls: sign in, and wait with `CallAgent.awaitIncomingCall`.
        case call = 1
        /// There is a message to fetch.
        case chat = 2
    }

    public let kind: Kind
    /// The call's identifier, the raw id of who calls, and the name that was given.
    public let callID: UUID?
    public let fromID: String
    public let displayName: String
    public let video: Bool
    /// The message, and the raw id and the name of who wrote it.
    public let threadID: String
    public let messageID: String
    public let senderID: String
    public let senderDisplayName: String
    /// The beginning of the message when the service sends it.
    public let text: String

    /// Reads the payload of PushKit or of a notification.
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
        video = push.video
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

    /// The phone is woken no more.
    public func unregisterPush(_ credential: Credential, deviceID: String) async throws {
        let core: ParleyMobileClient = self.core
        try await waiting { try core.unregisterPush(credential.core, deviceID: deviceID) }
    }
}

private func hexadecimal(_ data: Data) -> String {
    data.map { String(format: "%02x", $0) }.joined()
}
