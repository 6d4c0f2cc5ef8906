import Foundation
import ParleyCore

/// How a `Client` reaches the service.
public struct ClientOptions: Sendable {
    /// The service's address, "https://host:port".
    public var endpoint: String
    /// Authorities in PEM form, for a service with an authority of its own. Empty: the system's.
    public var rootCertificates = ""
    /// Sends all media through the service's relay.
    public var usesRelayOnly = false
    /// Target of the audio encoder in bit/s. Zero: 40,000.
    public var audioBitrate = 0
    /// Bounds the video that a call sends, in bit/s. Zero: 2,500,000.
    public var maxVideoBitrate = 0
    /// Bounds every method that waits. Zero: 45 s.
    public var timeLimit: TimeInterval = 0
    /// Lets `endpoint` be "http://…", where everybody in between reads the tokens: for tests.
    public var allowsPlainHTTP = false
    /// The memory that Go may use before it collects garbage at any price, in bytes,
    /// of the whole process. Zero: 48 MiB; negative: as it is.
    public var memoryLimit: Int64 = 0
    /// How much Go's memory may grow between two collections, in percent. Zero: 50;
    /// negative: as it is.
    public var gcPercent = 0
    /// Names the application in the service's log.
    public var userAgent = ""
    /// Takes the library's log, on any thread and on several at a time. Nil: silent.
    public var log: (@Sendable (LogLevel, String) -> Void)?

    /// Options for a service; all else has its default.
    public init(endpoint: String) { self.endpoint = endpoint }
}

/// Levels of log lines.
public enum LogLevel: Int32, Sendable {
    /// For who looks for a fault.
    case debug = -4
    /// What happens.
    case info = 0
    /// What went wrong and was made good.
    case warn = 4
    /// What went wrong.
    case error = 8
}

/// The entry object: it knows the service and makes call agents and chat clients.
/// Hold on to it: one that is freed is closed, with all that it has made. Every
/// method may be called on any thread or actor.
public final class Client: @unchecked Sendable {
    let core: ParleyMobileClient
    private let endings = Endings()
    private let lifecycle: Lifecycle

    /// Makes a client. It opens no connection. Throws `ParleyError` with the code
    /// `invalidArgument` for an address or certificates that are none.
    public init(_ options: ClientOptions) throws {
        let settings: ParleyMobileClientOptions = ParleyMobileClientOptions()
        settings.endpoint = options.endpoint
        settings.rootCertificates = options.rootCertificates
        settings.relayOnly = options.usesRelayOnly
        settings.audioBitrate = Int32(clamping: options.audioBitrate)
        settings.maxVideoBitrate = Int32(clamping: options.maxVideoBitrate)
        settings.allowPlainHTTP = options.allowsPlainHTTP
        settings.memoryLimit = options.memoryLimit
        settings.gcPercent = Int32(clamping: options.gcPercent)
        settings.timeLimit = milliseconds(options.timeLimit)
        settings.userAgent = options.userAgent.isEmpty ? "parley-ios" : options.userAgent
        if let log = options.log { settings.log = LogRelay(log) }
        let made: ParleyMobileClient = try Parley.made { ParleyMobileNewClient(settings, $0) }
        core = made
        lifecycle = Lifecycle(made)
    }

    /// Signs in; calls come from then on, and `CallAgent.events` has them from the
    /// first on. Throws `ParleyError`, with the code `canceled` when the task was.
    public func makeCallAgent(_ credential: Credential, options: CallAgentOptions = CallAgentOptions()) async throws -> CallAgent {
        let events = CallAgentRelay()
        let cancel: ParleyMobileCanceler = ParleyMobileCanceler()
        let settings: ParleyMobileCallAgentOptions = ParleyMobileCallAgentOptions()
        settings.displayName = options.displayName
        settings.deviceID = options.deviceID
        settings.shareAddressEarly = options.sharesAddressEarly
        settings.canceler = cancel
        let core = self.core
        let agent = try await withTaskCancellationHandler {
            try await waiting { try core.newCallAgent(credential.core, options: settings, listener: events) }
        } onCancel: {
            cancel.cancel()
        }
        endings.add(events)
        return CallAgent(agent, client: self, relay: events)
    }

    /// Makes a chat client. It opens no connection: `ChatClient.start` does. Throws
    /// `ParleyError` with the code `invalidArgument` for a position that is none.
    public func makeChatClient(_ credential: Credential, options: ChatOptions = ChatOptions()) throws -> ChatClient {
        let events = ChatRelay()
        let settings: ParleyMobileChatOptions = ParleyMobileChatOptions()
        settings.displayName = options.displayName
        settings.deviceID = options.deviceID
        settings.position = options.position
        let chat: ParleyMobileChatClient = try typed {
            try core.newChatClient(credential.core, options: settings, listener: events, states: events)
        }
        endings.add(events)
        return ChatClient(chat, client: self, relay: events)
    }

    /// The microphone and the loudspeaker as all calls of this client use them.
    func audio() throws -> ParleyMobileAudio {
        guard let audio: ParleyMobileAudio = core.audio() else { throw ParleyError(code: .closed, message: "the client is closed") }
        return audio
    }

    /// Says that the device has another network. The client watches for that by
    /// itself; this is for what it cannot see, a VPN of the application's own.
    public func networkChanged() { core.networkChanged() }

    /// Hangs all calls up, signs out, tells what is still to be told, and closes the
    /// client. Throws `ParleyError` when a call could not be ended properly; it is
    /// closed all the same.
    public func shutdown() async throws {
        let core = self.core
        defer { close() }
        try await waiting { try core.shutdown() }
    }

    /// Ends everything at once. Nothing is told any more, and all streams of events
    /// end. Again, it does nothing.
    public func close() {
        lifecycle.stop()
        endings.end()
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
