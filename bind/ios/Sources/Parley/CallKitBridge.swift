#if os(iOS)
import AVFoundation
import CallKit
import Foundation
import PushKit

/// Shows the calls of an agent in the phone's own screens, and wakes the
/// application for a call by a VoIP push. One for an application, made in
/// `application(_:didFinishLaunchingWithOptions:)`: iOS starts an application for a
/// push, and ends it when it does not report the call at once. Make it on the main
/// thread; the closures of its delegate run there.
public final class CallKitBridge: NSObject, CXProviderDelegate, PKPushRegistryDelegate, @unchecked Sendable {
    /// What the bridge needs of the application.
    public struct Delegate {
        /// Signs in, or returns the agent that is. Called for a push too.
        public var agent: @MainActor () async throws -> CallAgent
        /// How calls are accepted and placed: what takes the video, for example, and
        /// the camera where a `CXStartCallAction` with `isVideo` asks for it.
        public var options: @MainActor (CXCallAction) -> CallOptions
        /// A call that was accepted or placed through the bridge.
        public var began: @MainActor (Call) -> Void
        /// Each event of such a call; the bridge is the one reader of `Call.events`.
        public var event: @MainActor (Call, CallEvent) -> Void
        /// The push token, to be registered at the service; nil when it is no longer good.
        public var token: @MainActor (Data?) -> Void
        /// A call that could not be placed or accepted, and why.
        public var failed: @MainActor (Error) -> Void

        /// Names what the application does; `failed` may be left out.
        public init(
            agent: @escaping @MainActor () async throws -> CallAgent,
            options: @escaping @MainActor (CXCallAction) -> CallOptions = { _ in CallOptions() },
            began: @escaping @MainActor (Call) -> Void, event: @escaping @MainActor (Call, CallEvent) -> Void,
            token: @escaping @MainActor (Data?) -> Void, failed: @escaping @MainActor (Error) -> Void = { _ in }
        ) {
            self.agent = agent
            self.options = options
            self.began = began
            self.event = event
            self.token = token
            self.failed = failed
        }
    }

    /// A call on the screens that was not accepted yet.
    private enum Ringing {
        /// A push has told of it; the connection has not brought it yet.
        case announced
        case here(IncomingCall)

        var call: IncomingCall? {
            if case .here(let call) = self { return call }
            return nil
        }
    }

    private let delegate: Delegate
    private let audio: CallAudio
    private let provider: CXProvider
    private let controller = CXCallController()
    private let registry = PKPushRegistry(queue: .main)
    // All of them belong to the main queue.
    private var ringing: [UUID: Ringing] = [:]
    /// Calls that the connection has brought, also those that are over.
    private var seen: Set<UUID> = []
    private var calls: [UUID: Call] = [:]
    /// Accepted on the screens before the connection had brought the call.
    private var accepting: [UUID: CXAnswerCallAction] = [:]
    /// Declined on the screens before that.
    private var declined: Set<UUID> = []
    /// Being placed, with the name of who is called.
    private var placing: [UUID: String] = [:]

    /// Makes the bridge and asks for pushes at once. `audio` is started and stopped
    /// as the system says.
    public init(audio: CallAudio, delegate: Delegate) {
        self.audio = audio
        self.delegate = delegate
        let configuration: CXProviderConfiguration
        if #available(iOS 14.0, *) {
            configuration = CXProviderConfiguration()
        } else {
            configuration = CXProviderConfiguration(localizedName: Bundle.main.infoDictionary?["CFBundleName"] as? String ?? "Parley")
        }
        configuration.supportsVideo = true
        configuration.maximumCallGroups = 2
        configuration.maximumCallsPerCallGroup = 1
        configuration.supportedHandleTypes = [.generic]
        provider = CXProvider(configuration: configuration)
        super.init()
        provider.setDelegate(self, queue: .main)
        registry.delegate = self
        registry.desiredPushTypes = [.voIP]
    }

    // The screens forget the calls of a bridge that is gone.
    deinit { provider.invalidate() }

    /// A call that rings: give every `CallAgentEvent.incomingCall` here. One that a
    /// push has announced rings once.
    public func ring(_ call: IncomingCall) {
        DispatchQueue.main.async { self.arrived(call) }
    }

    /// The agent's events, or the wait for a pushed call, have brought a call: often
    /// both, and the second one while it is being accepted already.
    private func arrived(_ call: IncomingCall) {
        guard let id = UUID(uuidString: call.id), seen.insert(id).inserted else { return }
        if declined.remove(id) != nil {
            Task { try? await call.reject() }
            return
        }
        let isShown = ringing[id] != nil
        ringing[id] = .here(call)
        if let action = accepting.removeValue(forKey: id) {
            answer(call, action)
        } else if !isShown {
            report(id, name: call.callerDisplayName, handle: call.callerID, video: call.hasVideo)
        }
    }

    /// Has a call ring on the screens.
    private func report(_ id: UUID, name: String, handle: String, video: Bool, done: @escaping () -> Void = {}) {
        let update = CXCallUpdate()
        update.remoteHandle = CXHandle(type: .generic, value: handle)
        update.localizedCallerName = name.isEmpty ? handle : name
        update.hasVideo = video
        update.supportsHolding = true
        update.supportsDTMF = true
        update.supportsGrouping = false
        update.supportsUngrouping = false
        provider.reportNewIncomingCall(with: id, update: update) { [weak self] error in
            DispatchQueue.main.async {
                if let error = error { self?.refused(id, error) }
                done()
            }
        }
    }

    /// The system does not show a call: Do Not Disturb, or a caller that is blocked.
    private func refused(_ id: UUID, _ error: Error) {
        // Shown already: a second push for the same call has to be reported as well.
        if (error as? CXErrorCodeIncomingCallError)?.code == .callUUIDAlreadyExists { return }
        if let known = ringing.removeValue(forKey: id) { decline(id, known) }
    }

    private func decline(_ id: UUID, _ known: Ringing) {
        switch known {
        case .announced: declined.insert(id)
        case .here(let call): Task { try? await call.reject() }
        }
    }

    /// A call that rings no more: give every `CallAgentEvent.incomingCallEnded` here.
    public func stopRinging(_ call: IncomingCall, reason: EndReason) {
        DispatchQueue.main.async {
            guard let id = UUID(uuidString: call.id), self.ringing.removeValue(forKey: id) != nil else { return }
            self.accepting.removeValue(forKey: id)?.fail()
            // 487/10003: another device was faster.
            self.provider.reportCall(with: id, endedAt: nil, reason: reason.subcode == 10003 ? .answeredElsewhere : .unanswered)
        }
    }

    /// Places a call through the phone's own screens: `Delegate.began` has it, or
    /// `Delegate.failed` says why there is none.
    public func start(_ target: String, name: String, video: Bool) {
        let id = UUID()
        let action = CXStartCallAction(call: id, handle: CXHandle(type: .generic, value: target))
        action.isVideo = video
        DispatchQueue.main.async {
            self.placing[id] = name
            self.controller.request(CXTransaction(action: action)) { error in
                guard let error = error else { return }
                Task { @MainActor in
                    self.placing[id] = nil
                    self.delegate.failed(error)
                }
            }
        }
    }

    /// Tells the screens what happens to a call; it ends with the call.
    @MainActor private func follow(_ call: Call, _ id: UUID) {
        calls[id] = call
        delegate.began(call)
        let provider = self.provider
        let tell = delegate.event
        Task { @MainActor [weak self] in
            for await event in call.events {
                tell(call, event)
                if case .state(.connected) = event, !call.isIncoming { provider.reportOutgoingCall(with: id, connectedAt: nil) }
            }
            // Who has hung up here has told the screens.
            guard let self = self, self.calls.removeValue(forKey: id) != nil else { return }
            provider.reportCall(with: id, endedAt: nil, reason: CallKitBridge.reason(call.endReason))
        }
    }

    /// The screens' word for the end of a call.
    private static func reason(_ reason: EndReason?) -> CXCallEndedReason {
        switch reason?.code ?? 0 {
        case 0, 486, 603: return .remoteEnded
        case 408, 480, 487: return .unanswered
        default: return .failed
        }
    }

    private func answer(_ call: IncomingCall, _ action: CXAnswerCallAction) {
        let id = action.callUUID
        Task { @MainActor in
            do {
                let accepted = try await call.accept(self.delegate.options(action))
                action.fulfill()
                guard self.ringing.removeValue(forKey: id) != nil else {
                    // Ended on the screens meanwhile.
                    try? await accepted.hangUp()
                    return
                }
                self.follow(accepted, id)
            } catch {
                self.ringing[id] = nil
                action.fail()
                self.delegate.failed(error)
            }
        }
    }

    /// Runs an action of the screens on its call.
    private func on(_ action: CXCallAction, _ body: @escaping (Call) async throws -> Void) {
        guard let call = calls[action.callUUID] else {
            action.fail()
            return
        }
        Task {
            do {
                try await body(call)
                action.fulfill()
            } catch {
                action.fail()
            }
        }
    }

    // CXProviderDelegate

    /// The system has forgotten all calls: they end.
    public func providerDidReset(_ provider: CXProvider) {
        let all = calls.values
        calls = [:]
        ringing = [:]
        accepting = [:]
        for call in all { Task { try? await call.hangUp() } }
        audio.stop()
    }

    /// Places a call.
    public func provider(_ provider: CXProvider, perform action: CXStartCallAction) {
        try? CallAudio.configureSession(video: action.isVideo)
        let id = action.callUUID
        // One that the phone's list of calls asks for has no name yet.
        placing[id] = placing[id] ?? ""
        if let name = placing[id], !name.isEmpty {
            let update = CXCallUpdate()
            update.localizedCallerName = name
            update.hasVideo = action.isVideo
            provider.reportCall(with: id, updated: update)
        }
        Task { @MainActor in
            do {
                let call = try await self.delegate.agent().startCall(action.handle.value, options: self.delegate.options(action))
                action.fulfill()
                guard self.placing.removeValue(forKey: id) != nil else {
                    // Ended on the screens meanwhile.
                    try? await call.hangUp()
                    return
                }
                provider.reportOutgoingCall(with: id, startedConnectingAt: nil)
                self.follow(call, id)
            } catch {
                self.placing[id] = nil
                action.fail()
                self.delegate.failed(error)
            }
        }
    }

    /// Accepts a call, which the connection may still have to bring.
    public func provider(_ provider: CXProvider, perform action: CXAnswerCallAction) {
        let id = action.callUUID
        guard let known = ringing[id] else {
            action.fail()
            return
        }
        try? CallAudio.configureSession(video: known.call?.hasVideo ?? false)
        switch known {
        case .announced: accepting[id] = action
        case .here(let call): answer(call, action)
        }
    }

    /// Hangs up, or declines.
    public func provider(_ provider: CXProvider, perform action: CXEndCallAction) {
        let id = action.callUUID
        if let known = ringing.removeValue(forKey: id) {
            accepting.removeValue(forKey: id)?.fail()
            decline(id, known)
            action.fulfill()
            return
        }
        guard let call = calls.removeValue(forKey: id) else {
            // It is being placed, or has ended meanwhile.
            placing[id] = nil
            action.fulfill()
            return
        }
        Task {
            try? await call.hangUp()
            action.fulfill()
        }
    }

    /// Holds or resumes.
    public func provider(_ provider: CXProvider, perform action: CXSetHeldCallAction) {
        let held = action.isOnHold
        on(action) { call in
            if held { try await call.hold() } else { try await call.resume() }
        }
    }

    /// Mutes or unmutes.
    public func provider(_ provider: CXProvider, perform action: CXSetMutedCallAction) {
        let muted = action.isMuted
        on(action) { call in
            if muted { try await call.mute() } else { try await call.unmute() }
        }
    }

    /// Sends what was typed on the keypad.
    public func provider(_ provider: CXProvider, perform action: CXPlayDTMFCallAction) {
        let tones = action.digits
        on(action) { try await $0.sendDTMF(tones) }
    }

    /// The session is active, which only the system does: sound begins.
    public func provider(_ provider: CXProvider, didActivate session: AVAudioSession) {
        do {
            try audio.start()
        } catch {
            // Without sound the call goes on; the screens have no word for it.
            Task { @MainActor in self.delegate.failed(error) }
        }
    }

    /// Sound ends.
    public func provider(_ provider: CXProvider, didDeactivate session: AVAudioSession) { audio.stop() }

    // PKPushRegistryDelegate

    /// Hands the token on.
    public func pushRegistry(_ registry: PKPushRegistry, didUpdate credentials: PKPushCredentials, for type: PKPushType) {
        let token = credentials.token
        Task { @MainActor in self.delegate.token(token) }
    }

    /// The token is good no more.
    public func pushRegistry(_ registry: PKPushRegistry, didInvalidatePushTokenFor type: PKPushType) {
        Task { @MainActor in self.delegate.token(nil) }
    }

    /// Reports the call before anything else, then has the connection bring it.
    public func pushRegistry(
        _ registry: PKPushRegistry, didReceiveIncomingPushWith payload: PKPushPayload, for type: PKPushType, completion: @escaping () -> Void
    ) {
        // Every push has to be reported, also one that cannot be read or tells what
        // is known: else iOS ends the application.
        guard let push = try? Push(payload.dictionaryPayload), push.kind == .call, let id = push.callID else {
            let nobody = UUID()
            report(nobody, name: "", handle: "", video: false) { [provider] in
                provider.reportCall(with: nobody, endedAt: nil, reason: .failed)
                completion()
            }
            return
        }
        let isShown = calls[id] != nil || ringing[id] != nil
        let isOver = !isShown && seen.contains(id)
        report(id, name: push.displayName, handle: push.fromID, video: push.hasVideo) { [provider] in
            if isOver { provider.reportCall(with: id, endedAt: nil, reason: .unanswered) }
            completion()
        }
        guard !isShown, !isOver else { return }
        ringing[id] = .announced
        let agent = delegate.agent
        Task { @MainActor [weak self] in
            do {
                // The connection brings the call itself.
                self?.arrived(try await agent().awaitIncomingCall(id.uuidString.lowercased()))
            } catch {
                self?.neverCame(id)
            }
        }
    }

    /// A pushed call that rings no more, or whose service is not reached.
    private func neverCame(_ id: UUID) {
        declined.remove(id)
        // What the agent's own event has brought meanwhile goes on.
        guard let known = ringing[id], known.call == nil else { return }
        ringing[id] = nil
        accepting.removeValue(forKey: id)?.fail()
        provider.reportCall(with: id, endedAt: nil, reason: .unanswered)
    }
}
#endif
