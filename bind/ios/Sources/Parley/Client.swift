import Foundation
import ParleyCore

/// How a `Client` reaches the service.
public struct ClientOptions: Sendable {
    /// The service's address, "https://host:port".
    public var endpoint: String
    /// Authorities in PEM form, for a service with an authority of its own. Empty: the system's.
    public var rootCertificates = ""
    /// Sends all media through the service's relay.
    public var relayOnly = false
    /// Target of the audio encoder in bit/s. Zero: 40,000.
    public var audioBitrate = 0
    /// Bounds the video that a call sends, in bit/s. Zero: 2,500,000.
    public var maxVideoBitrate = 0
    /// Bounds every method that waits. Zero: 45 s.
    public var timeLimit: TimeInterval = 0
    /// Lets `endpoint` be "http://…", where everybody in between reads the tokens: for tests.
    public var allowPlainHTTP = false
    /// The memory that Go may use before it collects garbage at any price, in bytes,
    /// and how much it may grow between two collections. Zero: 48 MiB and 50 %.
    public var memoryLimit: Int64 = 0
    public var gcPercent = 0
    /// Names the application in the service's log.
    public var userAgent = ""
    /// Takes the library's log, from several threads. Nil: silent.
    public var log: (@Sendable (LogLevel, String) -> Void)?

    public init(endpoint: String) { self.endpoint = endpoint }
}

/// Levels of log lines.
public enum LogLevel: Int32, Sendable {
    case debug = -4
    case info = 0
    case warn = 4
    case error = 8
}

/// The entry object: it knows the service and makes call agents and chat clients.
public final class Client: @unchecked Sendable {
    let core: ParleyMobileClient
    private let lifecycle: Lifecycle

    /// Makes a client. It opens no connection.
    public init(_ options: ClientOptions) throws {
        let settings: ParleyMobileClientOptions = ParleyMobileClientOptions()
        settings.endpoint = options.endpoint
        settings.rootCertificates = options.rootCertificates
        settings.relayOnly = options.relayOnly
        settings.audioBitrate = Int32(clamping: options.audioBitrate)
        settings.maxVideoBitrate = Int32(clamping: options.maxVideoBitrate)
        settings.allowPlainHTTP = options.allowPlainHTTP
        settings.memoryLimit = options.memoryLimit
        settings.gcPercent = Int32(clamping: options.gcPercent)
        settings.timeLimit = milliseconds(options.timeLimit)
        settings.userAgent = options.userAgent.isEmpty ? "parley-ios" : options.userAgent
        if let log = options.log { settings.log = LogRelay(log) }
        let made: ParleyMobileClient = try Parley.made { ParleyMobileNewClient(settings, $0) }
        core = made
        lifecycle = Lifecycle(made)
    }

    /// Signs in; calls come from then on, and `CallAgent.events` has them from the first on.
    public func callAgent(_ credential: Credential, options: CallAgentOptions = CallAgentOptions()) async throws -> CallAgent {
        let events = CallAgentRelay()
        let cancel: ParleyMobileCanceler = ParleyMobileCanceler()
        let settings: ParleyMobileCallAgentOptions = ParleyMobileCallAgentOptions()
        settings.displayName = options.displayName
        settings.deviceID = options.deviceID
        settings.shareAddressEarly = options.shareAddressEarly
        settings.canceler = cancel
        let core = self.core
        let agent = try await withTaskCancellationHandler {
            try await waiting { try core.newCallAgent(credential.core, options: settings, listener: events) }
        } onCancel: {
            cancel.cancel()
        }
        return CallAgent(agent, client: self, events: events)
    }

    /// Makes a chat client. It opens no connection: `ChatClient.start` does.
    public func chatClient(_ credential: Credential, options: ChatOptions = ChatOptions()) throws -> ChatClient {
        let events = ChatRelay()
        let settings: ParleyMobileChatOptions = ParleyMobileChatOptions()
        settings.displayName = options.displayName
        settings.deviceID = options.deviceID
        settings.position = options.position
        let chat: ParleyMobileChatClient = try typed {
            try core.newChatClient(credential.core, options: settings, listener: events, states: events)
        }
        return ChatClient(chat, events: events)
    }

    /// The microphone and the loudspeaker as all calls of this client use them.
    func audio() throws -> ParleyMobileAudio {
        guard let audio: ParleyMobileAudio = core.audio() else { throw ParleyError(code: .closed, message: "the client is closed") }
        return audio
    }

    /// Says that the device has another network. `Lifecycle` does it by itself.
    public func networkChanged() { core.networkChanged() }

    /// Hangs all calls up, signs out, and closes the client.
    public func shutdown() async throws {
        let core = self.core
        try await waiting { try core.shutdown() }
    }

    /// Ends everything at once. Nothing is told any more.
    public func close() {
        lifecycle.stop()
        core.close()
    }

    deinit { close() }
}

/// A time as the library takes it.
func milliseconds(_ time: TimeInterval) -> Int64 {
    time <= 0 ? 0 : Int64(min(time, 86_400) * 1000)
}

/// A time as the library gives it; nil for none.
func date(_ milliseconds: Int64) -> Date? {
    milliseconds == 0 ? nil : Date(timeIntervalSince1970: Double(milliseconds) / 1000)
}

final class LogRelay: NSObject, ParleyMobileLogListener {
    private let log: @Sendable (LogLevel, String) -> Void

    init(_ log: @escaping @Sendable (LogLevel, String) -> Void) { self.log = log }

    func onLog(_ level: Int32, line: String?) {
        log(LogLevel(rawValue: level) ?? .info, line ?? "")
    }
}
