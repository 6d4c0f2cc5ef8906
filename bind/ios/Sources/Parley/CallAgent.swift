import Foundation
import ParleyCore

/// One signed-in endpoint.
public struct CallAgentOptions: Sendable {
    /// Shown to those called.
    public var displayName = ""
    /// Tells this device from the user's other ones; keep it over restarts.
    public var deviceID = ""
    /// Lets callers see this device's addresses while it rings.
    public var shareAddressEarly = false

    public init() {}
}

/// What happens to an agent.
public enum CallAgentEvent: Sendable {
    case incomingCall(IncomingCall)
    /// It rings here no more and was not taken here.
    case incomingCallEnded(IncomingCall, EndReason)
    case connection(ConnectionState, ParleyError?)
}

/// The states of a connection to the service.
public enum ConnectionState: Int32, Sendable {
    case connected = 1
    case reconnecting = 2
    case disconnected = 3
}

/// Why a call ended: 0/0 is the ordinary end.
public struct EndReason: Equatable, Sendable {
    public let code: Int
    public let subcode: Int
    public let message: String

    init(_ reason: ParleyMobileEndReason) {
        code = Int(reason.code)
        subcode = Int(reason.subcode)
        message = reason.message
    }
}

/// A signed-in endpoint: it receives and places calls.
public final class CallAgent: @unchecked Sendable {
    let core: ParleyMobileCallAgent
    private let client: Client
    private let relay: CallAgentRelay

    /// What happens from the sign-in on, for one reader; what nobody reads waits.
    public var events: AsyncStream<CallAgentEvent> { relay.events.stream }

    init(_ core: ParleyMobileCallAgent, client: Client, events: CallAgentRelay) {
        self.core = core
        self.client = client
        relay = events
    }

    /// The raw id of who is signed in.
    public var identifier: String { core.identifier() }

    public var connectionState: ConnectionState {
        ConnectionState(rawValue: core.connectionState()) ?? .disconnected
    }

    /// Calls a user, a raw id "8:acs:…". Cancelling the task abandons the call.
    public func startCall(_ target: String, options: CallOptions = CallOptions()) async throws -> Call {
        let relay = CallRelay()
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
    /// within the time: the caller has hung up, or another device was faster.
    public func awaitIncomingCall(_ id: String, timeout: TimeInterval = 10) async throws -> IncomingCall {
        let core = self.core
        let limit = milliseconds(timeout)
        return IncomingCall(try await waiting { try core.awaitIncomingCall(id, milliseconds: limit) })
    }

    /// The calls that ring here, oldest first.
    public var incomingCalls: [IncomingCall] {
        guard let list: ParleyMobileIncomingCallList = core.incomingCalls() else { return [] }
        return (0..<list.len()).compactMap { list.at($0).map(IncomingCall.init) }
    }

    /// Hangs all calls up and signs out.
    public func shutdown() async throws {
        let core = self.core
        try await waiting { try core.shutdown() }
        relay.events.finish()
    }

    /// Ends all calls and signs out at once.
    public func close() {
        core.close()
        relay.events.finish()
    }

    deinit { close() }
}

/// A call that rings here.
public final class IncomingCall: @unchecked Sendable {
    let core: ParleyMobileIncomingCall

    init(_ core: ParleyMobileIncomingCall) { self.core = core }

    /// The accepted call has the same.
    public var id: String { core.id_() }
    /// The raw id of who calls.
    public var callerID: String { core.callerID() }
    public var callerDisplayName: String { core.callerDisplayName() }
    public var hasVideo: Bool { core.hasVideo() }

    /// Takes the call; returns when the service has confirmed that this device has it.
    public func accept(_ options: CallOptions = CallOptions()) async throws -> Call {
        let relay = CallRelay()
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

/// A stream that is made before its events, so that none is missed.
final class Events<T>: @unchecked Sendable {
    let stream: AsyncStream<T>
    private let continuation: AsyncStream<T>.Continuation

    init(_ policy: AsyncStream<T>.Continuation.BufferingPolicy = .unbounded) {
        var made: AsyncStream<T>.Continuation?
        stream = AsyncStream(bufferingPolicy: policy) { made = $0 }
        continuation = made! // the closure above has run
    }

    func tell(_ event: T) { continuation.yield(event) }
    func finish() { continuation.finish() }
}

final class CallAgentRelay: NSObject, ParleyMobileCallAgentListener {
    let events = Events<CallAgentEvent>()

    func onIncomingCall(_ call: ParleyMobileIncomingCall?) {
        if let call = call { events.tell(.incomingCall(IncomingCall(call))) }
    }

    func onIncomingCallEnded(_ call: ParleyMobileIncomingCall?, reason: ParleyMobileEndReason?) {
        if let call = call, let reason = reason {
            events.tell(.incomingCallEnded(IncomingCall(call), EndReason(reason)))
        }
    }

    func onConnectionStateChanged(_ state: Int32, failure: ParleyMobileFailure?) {
        events.tell(.connection(ConnectionState(rawValue: state) ?? .disconnected, failure.map(ParleyError.init)))
    }
}
