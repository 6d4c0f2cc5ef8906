#if os(iOS)
import AVFoundation
import CallKit
import Foundation
import PushKit

/// Shows the calls of an agent in the phone's own screens, and wakes the
/// application for a call by a VoIP push. One for an application, made at its
/// start: iOS ends applications that do not report a pushed call at once.
public final class CallKitBridge: NSObject, CXProviderDelegate, PKPushRegistryDelegate {
    /// What the bridge needs of the application.
    public struct Delegate {
        /// Signs in, or returns the agent that is. Called for a push too.
        public var agent: () async throws -> CallAgent
        /// How calls are accepted and placed: what takes the video, for example.
        public var options: () -> CallOptions
        /// A call that was accepted or placed through the bridge, and each of its
        /// events, on the main queue; the bridge is the one reader of `Call.events`.
        public var began: (Call) -> Void
        public var event: (Call, CallEvent) -> Void
        /// The push token, to be registered at the service; nil when it is no longer good.
        public var token: (Data?) -> Void

        public init(
            agent: @escaping () async throws -> CallAgent, options: @escaping () -> CallOptions = { CallOptions() },
            began: @escaping (Call) -> Void, event: @escaping (Call, CallEvent) -> Void, token: @escaping (Data?) -> Void
        ) {
            self.agent = agent
            self.options = options
            self.began = began
            self.event = event
            self.token = token
        }
    }

    private let delegate: Delegate
    private let audio: CallAudio
    private let provider: CXProvider
    private let controller = CXCallController()
    private let registry = PKPushRegistry(queue: .main)
    // All of them belong to the main queue.
    private var incoming: [UUID: IncomingCall] = [:]
    private var calls: [UUID: Call] = [:]
    private var accepting: [UUID: CXAnswerCallAction] = [:]

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

    /// A call that rings: give every `CallAgentEvent.incomingCall` here.
    public func ring(_ call: IncomingCall) {
        DispatchQueue.main.async { self.ringNow(call) }
    }

    private func ringNow(_ call: IncomingCall) {
        guard let id = UUID(uuidString: call.id), incoming[id] == nil, calls[id] == nil else { return }
        incoming[id] = call
        // Accepted on the screen before the connection had brought the call.
        if let action = accepting.removeValue(forKey: id) {
            answer(call, action)
            return
        }
        report(id, name: call.callerDisplayName, handle: call.callerID, video: call.hasVideo)
    }

    private func report(_ id: UUID, name: String, handle: String, video: Bool, done: @escaping () -> Void = {}) {
        let update = CXCallUpdate()
        update.remoteHandle = CXHandle(type: .generic, value: handle)
        update.localizedCallerName = name.isEmpty ? handle : name
        update.hasVideo = video
        update.supportsHolding = true
        update.supportsDTMF = true
        provider.reportNewIncomingCall(with: id, update: update) { [weak self] error in
            // Do Not Disturb, or a caller that is blocked.
            if error != nil, let call = self?.incoming.removeValue(forKey: id) {
                Task { try? await call.reject() }
            }
            done()
        }
    }

    /// A call that rings no more: give every `CallAgentEvent.incomingCallEnded` here.
    public func stopRinging(_ call: IncomingCall, reason: EndReason) {
        DispatchQueue.main.async {
            guard let id = UUID(uuidString: call.id), self.incoming.removeValue(forKey: id) != nil else { return }
            // 487/10003: another device was faster.
            self.provider.reportCall(with: id, endedAt: nil, reason: reason.subcode == 10003 ? .answeredElsewhere : .unanswered)
        }
    }

    /// Places a call through the phone's own screens.
    public func start(_ target: String, name: String, video: Bool) {
        let id = UUID()
        let action = CXStartCallAction(call: id, handle: CXHandle(type: .generic, value: target))
        action.contactIdentifier = name
        action.isVideo = video
        controller.request(CXTransaction(action: action)) { _ in }
    }

    /// Tells the screens what happens to a call; it ends with the call.
    private func follow(_ call: Call, _ id: UUID) {
        calls[id] = call
        delegate.began(call)
        let provider = self.provider
        let tell = delegate.event
        Task { @MainActor [weak self] in
            for await event in call.events {
                tell(call, event)
                guard case .state(let state) = event else { continue }
                if state == .connected, !call.isIncoming { provider.reportOutgoingCall(with: id, connectedAt: nil) }
            }
            self?.calls[id] = nil
            provider.reportCall(with: id, endedAt: nil, reason: .remoteEnded)
        }
    }

    private func answer(_ call: IncomingCall, _ action: CXAnswerCallAction) {
        incoming[action.callUUID] = nil
        Task { @MainActor in
            do {
                self.follow(try await call.accept(self.delegate.options()), action.callUUID)
                action.fulfill()
            } catch {
                action.fail()
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

    public func providerDidReset(_ provider: CXProvider) {
        let all = calls.values
        calls = [:]
        incoming = [:]
        for call in all { Task { try? await call.hangUp() } }
        audio.stop()
    }

    public func provider(_ provider: CXProvider, perform action: CXStartCallAction) {
        try? CallAudio.configureSession(video: action.isVideo)
        Task { @MainActor in
            do {
                let call = try await self.delegate.agent().startCall(action.handle.value, options: self.delegate.options())
                self.follow(call, action.callUUID)
                action.fulfill()
            } catch {
                action.fail()
            }
        }
    }

    public func provider(_ provider: CXProvider, perform action: CXAnswerCallAction) {
        try? CallAudio.configureSession()
        if let call = incoming[action.callUUID] {
            answer(call, action)
        } else {
            accepting[action.callUUID] = action
        }
    }

    public func provider(_ provider: CXProvider, perform action: CXEndCallAction) {
        if let ringing = incoming.removeValue(forKey: action.callUUID) {
            Task {
                try? await ringing.reject()
                action.fulfill()
            }
            return
        }
        on(action) { try await $0.hangUp() }
    }

    public func provider(_ provider: CXProvider, perform action: CXSetHeldCallAction) {
        let held = action.isOnHold
        on(action) { call in
            if held { try await call.hold() } else { try await call.resume() }
        }
    }

    public func provider(_ provider: CXProvider, perform action: CXSetMutedCallAction) {
        let muted = action.isMuted
        on(action) { call in
            if muted { try await call.mute() } else { try await call.unmute() }
        }
    }

    public func provider(_ provider: CXProvider, perform action: CXPlayDTMFCallAction) {
        let tones = action.digits
        on(action) { try await $0.sendDTMF(tones) }
    }

    public func provider(_ provider: CXProvider, didActivate session: AVAudioSession) {
        // Without sound the call goes on; the screens have no word for it.
        try? audio.start()
    }

    public func provider(_ provider: CXProvider, didDeactivate session: AVAudioSession) { audio.stop() }

    // PKPushRegistryDelegate

    public func pushRegistry(_ registry: PKPushRegistry, didUpdate credentials: PKPushCredentials, for type: PKPushType) {
        delegate.token(credentials.token)
    }

    public func pushRegistry(_ registry: PKPushRegistry, didInvalidatePushTokenFor type: PKPushType) { delegate.token(nil) }

    public func pushRegistry(
        _ registry: PKPushRegistry, didReceiveIncomingPushWith payload: PKPushPayload, for type: PKPushType, completion: @escaping () -> Void
    ) {
        // Every push has to be reported, also one that cannot be read: else iOS
        // ends the application.
        guard let push = try? Push(payload.dictionaryPayload), push.kind == .call, let id = push.callID else {
            let nobody = UUID()
            report(nobody, name: "", handle: "", video: false, done: completion)
            provider.reportCall(with: nobody, endedAt: nil, reason: .failed)
            return
        }
        if calls[id] == nil && incoming[id] == nil {
            report(id, name: push.displayName, handle: push.fromID, video: push.video, done: completion)
        } else {
            completion()
        }
        let agent = delegate.agent
        Task { @MainActor [weak self] in
            do {
                // The connection brings the call itself.
                self?.adopt(try await agent().awaitIncomingCall(id.uuidString.lowercased()))
            } catch {
                self?.accepting.removeValue(forKey: id)?.fail()
                self?.provider.reportCall(with: id, endedAt: nil, reason: .unanswered)
            }
        }
    }

    /// A call that a push has announced is on the screens already.
    private func adopt(_ call: IncomingCall) {
        guard let id = UUID(uuidString: call.id), incoming[id] == nil, calls[id] == nil else { return }
        if let action = accepting.removeValue(forKey: id) {
            answer(call, action)
        } else {
            incoming[id] = call
        }
    }
}
#endif
