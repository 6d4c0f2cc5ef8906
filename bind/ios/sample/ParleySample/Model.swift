import AVFoundation
import Foundation
import Parley

/// What the screens show, and what they do. All of it on the main actor.
@MainActor
final class Model: ObservableObject {
    @Published var endpoint = Account.load()?.endpoint ?? ""
    @Published var token = ""
    @Published var authority = ""
    @Published var thread = UserDefaults.standard.string(forKey: "thread") ?? ""
    @Published private(set) var signedIn = false
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
    /// what takes the call is there when this returns.
    func resume() {
        guard let account = Account.load() else { return }
        do {
            try prepare(account)
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
            try self.prepare(account)
            try await self.begin()
            account.save()
        }
    }

    /// Makes everything that waits for nothing.
    private func prepare(_ account: Account) throws {
        var reach = ClientOptions(endpoint: account.endpoint)
        reach.rootCertificates = account.authority
        let client = try Client(reach)
        let credential = try Credential(token: account.token)
        let decoder = screen.decoder
        var options = CallOptions()
        options.video = { decoder.decode($0) }
        let callOptions = options
        let bridge = CallKitBridge(audio: try CallAudio(client), delegate: CallKitBridge.Delegate(
            agent: { [weak self] in
                guard let self = self else { throw Missing.signIn }
                return try await self.signedInAgent()
            },
            options: { callOptions },
            began: { [weak self] call in self?.call = call },
            event: { [weak self] call, event in self?.happened(call, event) },
            token: { [weak self] token in
                if let token = token { self?.register(client, credential, token) }
            },
            failed: { [weak self] error in self?.failure = error.localizedDescription }))
        self.client = client
        self.credential = credential
        self.bridge = bridge
    }

    /// Connects.
    private func begin() async throws {
        guard let client = client, let credential = credential else { throw Missing.signIn }
        signedIn = true
        _ = try await signedInAgent()
        try await startChat(client, credential)
    }

    /// Has this phone woken for calls. `sandbox` is for applications that Xcode has installed.
    private func register(_ client: Client, _ credential: Credential, _ token: Data) {
        attempt { try await client.registerPush(credential, deviceID: self.device, token: Data(), voIPToken: token, sandbox: true) }
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
            Task { await self.listen(agent) }
            return agent
        } catch {
            signingIn = nil
            throw error
        }
    }

    private func listen(_ agent: CallAgent) async {
        for await event in agent.events {
            switch event {
            case .incomingCall(let call): bridge?.ring(call)
            case .incomingCallEnded(let call, let reason): bridge?.stopRinging(call, reason: reason)
            case .connection(let state, let error):
                if state == .disconnected {
                    failure = error?.message ?? "signed out"
                    signingIn = nil
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
            camera?.stop()
            camera = nil
        }
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
                camera.stop()
                self.camera = nil
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
        try await chat.start()
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
