import Foundation
import ParleyCore

/// How a user signs in for calls.
public struct CallAgentOptions: Sendable {
    /// Shown to those called.
    public var displayName = ""
    /// Tells this device from the user's other ones; keep it over restarts.
    public var deviceID = ""
    /// Lets callers see this device's addresses while it rings.
    public var sharesAddressEarly = false

    /// The defaults.
    public init() {}
}

/// What happens to an agent.
public enum CallAgentEvent: Sendable {
    /// Somebody calls.
    case incomingCall(IncomingCall)
    /// It rings here no more and was not taken here.
    case incomingCallEnded(IncomingCall, EndReason)
    /// The connection to the service has changed; the error says why it ended.
    case connection(ConnectionState, ParleyError?)
}

/// The states of a connection to the service.
public enum ConnectionState: Int32, Sendable {
    /// Calls come.
    case connected = 1
    /// It was lost and is being made again.
    case reconnecting = 2
    /// It has ended for good: sign in again.
    case disconnected = 3
}

/// Why a call ended: 0/0 is the ordinary end.
public struct EndReason: Equatable, Sendable {
    /// The code, as SIP has them: 486 busy, 487 hung up before it was taken, 603 refused.
    public let code: Int
    /// The subcode of Azure Communication Services.
    public let subcode: Int
    /// A sentence for a developer.
    public let message: String

    init(_ reason: ParleyMobileEndReason) {
        code = Int(reason.code)
        subcode = Int(reason.subcode)
        message = reason.message
    }
}

/// A signed-in endpoint: it receives and places calls. Hold on to it: one that is
/// freed is closed, and its calls end.
public final class CallAgent: @unchecked Sendable {
    let core: ParleyMobileCallAgent
    private let client: Client
    private let relay: CallAgentRelay

    /// What happens from the sign-in on, for one reader; what nobody reads waits in
    /// memory. It ends when the agent or its client is closed.
    public var events: AsyncStream<CallAgentEvent> { relay.events.stream }

    init(_ core: ParleyMobileCallAgent, client: Client, relay: CallAgentRelay) {
        self.core = core
        self.client = client
        self.relay = relay
    }

    /// The raw id of who is signed in.
    public var identifier: String { core.identifier() }

    /// Where the connection to the service stands.
    public var connectionState: ConnectionState {
        ConnectionState(rawValue: core.connectionState()) ?? .disconnected
    }

    /// Calls a user, a raw id "8:acs:…"; returns when the service has taken the call
    /// up. Cancelling the task abandons it. Throws `ParleyError`: `invalidArgument`
    /// for an id that is none, `canceled`, `closed`, `callFailed` and others.
    public func startCall(_ target: String, options: CallOptions = CallOptions()) async throws -> Call {
        let relay = CallRelay()
        self.relay.endings.add(relay)
        let cancel: ParleyMobileCanceler = ParleyMobileCanceler()
        let settings = options.settings(relay, cancel)
        let core = self.core
        let call = try await withTaskCancellationHandler {
            try await waiting { try core.startCall(target, options: settings, listener: relay) }
        } onCancel: {
            cancel.cancel()
        }
        return Call(call, relay: relay)
    }

    /// The call that a push has told of, once it rings here; fails when it does not
    /// within the time: the caller has hung up, or another device was faster. Then
    /// `ParleyError` has the code `timeout`. iOS gives an application that it wakes
    /// about 30 s. An agent without a call reconnects when the call is not there at
    /// once: iOS may have taken the sockets of an application that slept.
    public func awaitIncomingCall(_ id: String, timeout: TimeInterval = 25) async throws -> IncomingCall {
        let core = self.core
        let limit = milliseconds(timeout)
        return IncomingCall(try await waiting { try core.awaitIncomingCall(id, milliseconds: limit) }, endings: relay.endings)
    }

    /// The calls that ring here, oldest first.
    public var incomingCalls: [IncomingCall] {
        guard let list: ParleyMobileIncomingCallList = core.incomingCalls() else { return [] }
        return (0..<list.len()).compactMap { index in
            list.at(index).map { IncomingCall($0, endings: relay.endings) }
        }
    }

    /// Hangs all calls up and signs out. It is closed also when this throws.
    public func shutdown() async throws {
        let core = self.core
        defer { close() }
        try await waiting { try core.shutdown() }
    }

    /// Ends all calls and signs out at once; the streams of events end. Again, it
    /// does nothing.
    public func close() {
        relay.end()
        core.close()
    }

    deinit { close() }
}

/// A call that rings here.
public final class IncomingCall: @unchecked Sendable {
    let core: ParleyMobileIncomingCall
    private let endings: Endings

    init(_ core: ParleyMobileIncomingCall, endings: Endings) {
        self.core = core
        self.endings = endings
    }

    /// A UUID; the accepted call has the same.
    public var id: String { core.id_() }
    /// The raw id of who calls.
    public var callerID: String { core.callerID() }
    /// The name that the caller gave; may be empty, and is no proof of who it is.
    public var callerDisplayName: String { core.callerDisplayName() }
    /// Whether the caller sends video.
    public var hasVideo: Bool { core.hasVideo() }

    /// Takes the call; returns when the service has confirmed that this device has
    /// it. Throws `ParleyError`: `callEnded` when it rings no more, `canceled` and others.
    public func accept(_ options: CallOptions = CallOptions()) async throws -> Call {
        let relay = CallRelay()
        endings.add(relay)
        let cancel: ParleyMobileCanceler = ParleyMobileCanceler()
        let settings = options.settings(relay, cancel)
        let core = self.core
        let call = try await withTaskCancellationHandler {
            try await waiting { try core.accept(settings, listener: relay) }
        } onCancel: {
            cancel.cancel()
        }
        return Call(call, relay: relay)
    }

    /// Refuses the call on this device: 486 when busy, else 603.
    public func reject(busy: Bool = false) async throws {
        let core = self.core
        try await waiting { try core.reject(busy) }
    }
}

final class CallAgentRelay: NSObject, ParleyMobileCallAgentListener, Ending {
    let events = Events<CallAgentEvent>()
    /// The agent's calls.
    let endings = Endings()

    func end() {
        events.finish()
        endings.end()
    }

    func onIncomingCall(_ call: ParleyMobileIncomingCall?) {
        if let call = call { events.tell(.incomingCall(IncomingCall(call, endings: endings))) }
    }

    func onIncomingCallEnded(_ call: ParleyMobileIncomingCall?, reason: ParleyMobileEndReason?) {
        if let call = call, let reason = reason {
            events.tell(.incomingCallEnded(IncomingCall(call, endings: endings), EndReason(reason)))
        }
    }

    func onConnectionStateChanged(_ state: Int32, failure: ParleyMobileFailure?) {
        events.tell(.connection(ConnectionState(rawValue: state) ?? .disconnected, failure.map(ParleyError.init)))
    }
}
