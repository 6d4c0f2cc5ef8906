import AVFoundation
import CallKit
import Foundation
import Parley
import UIKit
import UserNotifications

/// What the screens show, and what they do. All of it on the main actor.
@MainActor
final class Model: ObservableObject {
    @Published var endpoint = Account.load()?.endpoint ?? ""
    @Published var token = ""
    @Published var authority = ""
    @Published var thread = UserDefaults.standard.string(forKey: "thread") ?? ""
    @Published private(set) var phase = Phase.signedOut
    /// Whether `resume` has somebody to sign in.
    @Published private(set) var isKnown = Account.load() != nil
    @Published private(set) var call: Call?
    @Published private(set) var state = CallState.initial
    @Published private(set) var messages: [ChatMessage] = []
    @Published private(set) var typing = ""
    @Published var failure = ""

    let screen = VideoScreen()
    private var client: Client?
    private var credential: Credential?
    private var signingIn: Task<CallAgent, Error>?
    private var chat: ChatClient?
    private var bridge: CallKitBridge?
    private var camera: Camera?
    /// What wakes this phone for calls, and what for messages.
    private var callToken = Data()
    private var messageToken = Data()

    enum Phase { case signedOut, connecting, signedIn }

    /// The same over restarts, so that the service knows the device.
    private var device: String {
        if let known = UserDefaults.standard.string(forKey: "device") { return known }
        let made = UUID().uuidString
        UserDefaults.standard.set(made, forKey: "device")
        return made
    }

    /// Runs what may fail, and shows why it did.
    func attempt(_ body: @escaping @MainActor () async throws -> Void) {
        Task { @MainActor in
            do {
                try await body()
            } catch {
                failure = error.localizedDescription
            }
        }
    }

    /// Begins where the last run ended, also when a push has started the application:
    /// what takes the call is there when this returns. Also tries again when that has
    /// failed.
    func resume() {
        guard phase == .signedOut, let account = Account.load() else { return }
        do {
            if client == nil { try prepare(account) }
        } catch {
            failure = error.localizedDescription
            return
        }
        attempt { try await self.begin() }
    }

    func signIn() {
        attempt {
            // Both have to be allowed before the first call, which may come on the lock screen.
            await withCheckedContinuation { done in
                AVAudioSession.sharedInstance().requestRecordPermission { _ in done.resume() }
            }
            _ = await AVCaptureDevice.requestAccess(for: .video)
            let account = Account(endpoint: self.endpoint, token: self.token, authority: self.authority)
            self.leave()
            try self.prepare(account)
            try await self.begin(account)
        }
    }

    /// Nobody is signed in after this, nor after a restart, and the phone is woken no
    /// more.
    func signOut() {
        phase = .connecting
        attempt {
            // This phone forgets the user whatever becomes of what the service is told.
            defer { self.forget() }
            guard let client = self.client, let credential = self.credential else { return }
            try await client.unregisterPush(credential, deviceID: self.device)
            try await client.shutdown()
        }
    }

    private func forget() {
        Account.remove()
        isKnown = false
        token = ""
        leave()
    }

    /// Lets go of everything that `prepare` and `begin` have made.
    private func leave() {
        stopCamera()
        client?.close()
        client = nil
        credential = nil
        signingIn = nil
        chat = nil
        bridge = nil
        call = nil
        messages = []
        phase = .signedOut
    }

    /// The sign-in has failed, or the service has ended it. With a token that it
    /// refuses nothing can be tried again: the form asks for another.
    private func lost(_ error: Error?) {
        signingIn = nil
        phase = .signedOut
        if (error as? ParleyError)?.code == .unauthorized { forget() }
    }

    /// Makes everything that waits for nothing.
    private func prepare(_ account: Account) throws {
        var reach = ClientOptions(endpoint: account.endpoint)
        reach.rootCertificates = account.authority
        let client = try Client(reach)
        let credential = try Credential(token: account.token)
        let bridge = CallKitBridge(audio: try CallAudio(client), delegate: CallKitBridge.Delegate(
            agent: { [weak self] in
                guard let self = self else { throw Missing.signIn }
                return try await self.signedInAgent()
            },
            options: { [weak self] action in self?.options(action) ?? CallOptions() },
            began: { [weak self] call in self?.call = call },
            event: { [weak self] call, event in self?.happened(call, event) },
            token: { [weak self] token in
                self?.callToken = token ?? Data()
                self?.registerPush()
            },
            failed: { [weak self] error in
                self?.failure = error.localizedDescription
                if self?.call == nil { self?.stopCamera() }
            }))
        self.client = client
        self.credential = credential
        self.bridge = bridge
    }

    /// Connects; who has connected is kept for the next start.
    private func begin(_ account: Account? = nil) async throws {
        guard let client = client, let credential = credential else { throw Missing.signIn }
        failure = ""
        phase = .connecting
        do {
            _ = try await signedInAgent()
        } catch {
            // Somebody else may be signing in meanwhile.
            if self.client === client { lost(error) }
            throw error
        }
        guard self.client === client else { return }
        account?.save()
        isKnown = true
        registerPush()
        // Asks once; without it the phone is woken for calls only.
        _ = try? await UNUserNotificationCenter.current().requestAuthorization(options: [.alert, .sound])
        UIApplication.shared.registerForRemoteNotifications()
        if chat == nil, self.client === client { try await startChat(client, credential) }
    }

    /// What wakes this phone for messages, from the application's delegate.
    func notified(by token: Data) {
        messageToken = token
        registerPush()
    }

    /// Has this phone woken. `sandbox` is for applications that Xcode has installed.
    private func registerPush() {
        guard phase == .signedIn, let client = client, let credential = credential, !callToken.isEmpty || !messageToken.isEmpty else { return }
        attempt {
            try await client.registerPush(
                credential, deviceID: self.device, token: self.messageToken, voIPToken: self.callToken, sandbox: true)
        }
    }

    /// How a call begins: one that was placed with video, with the camera.
    private func options(_ action: CXCallAction) -> CallOptions {
        var options = CallOptions()
        let decoder = screen.decoder
        options.video = { decoder.decode($0) }
        guard (action as? CXStartCallAction)?.isVideo == true, let client = client else { return options }
        do {
            stopCamera()
            let camera = try Camera(client)
            options.camera = camera.source
            camera.start()
            self.camera = camera
        } catch {
            failure = error.localizedDescription
        }
        return options
    }

    /// One sign-in, whoever asks first: a push, or the start of the application.
    private func signedInAgent() async throws -> CallAgent {
        if let signingIn = signingIn { return try await signingIn.value }
        guard let client = client, let credential = credential else { throw Missing.signIn }
        var options = CallAgentOptions()
        options.deviceID = device
        let agentOptions = options
        let task = Task { try await client.makeCallAgent(credential, options: agentOptions) }
        signingIn = task
        do {
            let agent = try await task.value
            // A push may bring what the last attempt did not.
            if self.client === client { phase = .signedIn }
            Task { await self.listen(agent, of: client) }
            return agent
        } catch {
            if self.client === client { signingIn = nil }
            throw error
        }
    }

    private func listen(_ agent: CallAgent, of client: Client) async {
        for await event in agent.events {
            guard self.client === client else { return }
            switch event {
            case .incomingCall(let call): bridge?.ring(call)
            case .incomingCallEnded(let call, let reason): bridge?.stopRinging(call, reason: reason)
            case .connection(let state, let error):
                if state == .disconnected {
                    failure = error?.message ?? "signed out"
                    lost(error)
                }
            }
        }
    }

    // Calls

    func start(_ target: String, video: Bool) { bridge?.start(target, name: target, video: video) }

    private func happened(_ call: Call, _ event: CallEvent) {
        guard case .state(let state) = event else { return }
        self.state = state
        if state == .disconnected {
            self.call = nil
            stopCamera()
        }
    }

    private func stopCamera() {
        camera?.stop()
        camera = nil
    }

    func hangUp() { attempt { try await self.call?.hangUp() } }

    func toggleMute() {
        attempt {
            guard let call = self.call else { return }
            if call.isMuted { try await call.unmute() } else { try await call.mute() }
        }
    }

    func toggleVideo() {
        attempt {
            guard let call = self.call, let client = self.client else { return }
            if let camera = self.camera {
                try await call.stopVideo(camera.source)
                self.stopCamera()
                return
            }
            let camera = try Camera(client)
            try await call.startVideo(camera.source)
            camera.start()
            self.camera = camera
        }
    }

    // Chat

    private func startChat(_ client: Client, _ credential: Credential) async throws {
        var options = ChatOptions()
        options.deviceID = device
        options.position = UserDefaults.standard.string(forKey: "position") ?? ""
        let chat = try client.makeChatClient(credential, options: options)
        self.chat = chat
        Task { await self.listen(chat) }
        do {
            try await chat.start()
        } catch {
            if self.chat === chat { self.chat = nil }
            chat.close()
            throw error
        }
        try await load()
    }

    func load() async throws {
        guard let chat = chat, !thread.isEmpty else { return }
        UserDefaults.standard.set(thread, forKey: "thread")
        messages = try await chat.thread(thread).messages().filter { $0.kind == .text || $0.kind == .html }.reversed()
    }

    private func listen(_ chat: ChatClient) async {
        for await event in chat.events {
            switch event {
            case .message(let message, let thread, let change, _) where thread == self.thread:
                typing = ""
                messages.removeAll { $0.id == message.id }
                if change != .deleted { messages.append(message) }
            case .typing(let thread, let sender, let name) where thread == self.thread:
                typing = "\(name.isEmpty ? sender : name) writes …"
            default:
                break
            }
            UserDefaults.standard.set(chat.position, forKey: "position")
        }
    }

    func send(_ text: String) {
        attempt { try await self.chat?.thread(self.thread).send(text, clientID: UUID().uuidString) }
    }

    func isTyping() {
        // It is no failure that somebody should read of.
        Task { try? await chat?.thread(thread).sendTyping() }
    }

    private enum Missing: LocalizedError {
        case signIn
        var errorDescription: String? { "sign in first" }
    }
}
