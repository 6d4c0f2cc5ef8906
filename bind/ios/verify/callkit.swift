// Runs CallKitBridge on Linux, for verify/swift: over CallKit of stubs/Apple.swift
// and the types of the layer as they are here. It is about the order in which a
// push, the connection and the screens come.

import Foundation

enum CallState { case connected, disconnected }
enum CallEvent { case state(CallState) }
struct EndReason { let code = 0, subcode = 0 }
struct CallOptions {}

final class Call: @unchecked Sendable {
    let isIncoming = true
    let endReason: EndReason? = EndReason()
    let events: AsyncStream<CallEvent>
    private let continuation: AsyncStream<CallEvent>.Continuation
    var log: [String] = []

    init() {
        var made: AsyncStream<CallEvent>.Continuation?
        events = AsyncStream { made = $0 }
        continuation = made!
    }

    func hangUp() async throws {
        log.append("hung up")
        continuation.finish()
    }
    func end() { continuation.finish() }
    func hold() async throws {}
    func resume() async throws {}
    func mute() async throws {}
    func unmute() async throws {}
    func sendDTMF(_ tones: String) async throws {}
}

final class IncomingCall: @unchecked Sendable {
    let id: String
    let callerDisplayName = "Alice", callerID = "8:acs:alice", hasVideo = false
    let call = Call()
    var log: [String] = []
    /// How long accepting takes.
    var wait: () async -> Void = {}

    init(_ id: UUID) { self.id = id.uuidString.lowercased() }

    func accept(_ options: CallOptions) async throws -> Call {
        log.append("accepted")
        await wait()
        return call
    }
    func reject() async throws { log.append("rejected") }
}

final class CallAgent: @unchecked Sendable {
    struct Never: Error {}
    /// What a push waits for; nil comes never.
    var incoming: IncomingCall?
    let placed = Call()
    var wait: () async -> Void = {}

    func awaitIncomingCall(_ id: String) async throws -> IncomingCall {
        await wait()
        guard let call = incoming else { throw Never() }
        return call
    }
    func startCall(_ target: String, options: CallOptions) async throws -> Call {
        await wait()
        return placed
    }
}

struct Push {
    enum Kind { case call }
    let kind = Kind.call, callID: UUID?
    let displayName = "Alice", fromID = "8:acs:alice", hasVideo = false

    init(_ payload: [AnyHashable: Any]) throws {
        guard let id = payload["id"] as? UUID else { throw CallAgent.Never() }
        callID = id
    }
}

final class CallAudio {
    static func configureSession(video: Bool = false) throws {}
    func start() throws {}
    func stop() {}
}

/// One bridge, one call.
@MainActor
final class Scene {
    let id = UUID()
    let agent = CallAgent()
    var began = 0, failures = 0
    /// What options were asked for.
    var asked: [String] = []
    lazy var incoming = IncomingCall(id)
    lazy var bridge = CallKitBridge(audio: CallAudio(), delegate: CallKitBridge.Delegate(
        agent: { [agent] in agent },
        options: { [unowned self] action in
            self.asked.append((action as? CXStartCallAction).map { "placed" + ($0.isVideo ? ", video" : "") } ?? "accepted")
            return CallOptions()
        },
        began: { [unowned self] _ in self.began += 1 }, event: { _, _ in },
        token: { _ in }, failed: { [unowned self] _ in self.failures += 1 }))
    private let provider = CXProvider(configuration: CXProviderConfiguration())

    init() {
        CXProvider.told = []
        CXProvider.shown = []
    }

    func push(_ id: UUID?) {
        let payload = PKPushPayload()
        payload.dictionaryPayload = id.map { ["id": $0] } ?? [:]
        bridge.pushRegistry(PKPushRegistry(queue: .main), didReceiveIncomingPushWith: payload, for: .voIP) {}
    }
    func answer() -> CXAnswerCallAction {
        let action = CXAnswerCallAction(call: id)
        bridge.provider(provider, perform: action)
        return action
    }
    func end(_ id: UUID) -> CXEndCallAction {
        let action = CXEndCallAction(call: id)
        bridge.provider(provider, perform: action)
        return action
    }
    func place(video: Bool = false) -> CXStartCallAction {
        let action = CXStartCallAction(call: id, handle: CXHandle(type: .generic, value: "8:acs:bob"))
        action.isVideo = video
        bridge.provider(provider, perform: action)
        return action
    }
}

/// Holds a method up until it is opened.
@MainActor
final class Gate {
    private var waiting: [CheckedContinuation<Void, Swift.Never>] = []
    private var isOpen = false

    nonisolated func wait() async { await stop() }
    private func stop() async {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }
    func open() {
        isOpen = true
        waiting.forEach { $0.resume() }
        waiting = []
    }
}

@MainActor
func check(_ name: String, _ body: @MainActor (Scene) async -> [(String, Bool)]) async {
    let scene = Scene()
    for (what, holds) in await body(scene) where !holds {
        print("verify: CallKitBridge: \(name): not \(what); told \(CXProvider.told), call \(scene.incoming.log) \(scene.incoming.call.log)")
        exit(1)
    }
}

/// Lets everything that was put on the main queue run.
@MainActor
func settle() async {
    for _ in 0..<200 { await withCheckedContinuation { done in DispatchQueue.main.async { done.resume() } } }
}

@main
struct Program {
    @MainActor
    static func main() async {
        await check("a push, then the connection and the wait, answered before") { s in
            let gate = Gate(), accepting = Gate()
            s.agent.wait = gate.wait
            s.agent.incoming = s.incoming
            s.incoming.wait = accepting.wait
            s.push(s.id)
            await settle()
            let answer = s.answer()
            s.bridge.ring(s.incoming)
            await settle()
            gate.open() // while it is being accepted
            await settle()
            accepting.open()
            await settle()
            let before = s.incoming.log
            s.incoming.call.end()
            await settle()
            return [("accepted once", before == ["accepted"]), ("rung once", CXProvider.told == ["rings", "remoteEnded"]),
                    ("answered", answer.outcome == "fulfilled"), ("begun once", s.began == 1)]
        }
        await check("the connection, then a push") { s in
            s.bridge.ring(s.incoming)
            await settle()
            s.push(s.id)
            await settle()
            return [("both reported", CXProvider.told == ["rings", "rings"]), ("left alone", s.incoming.log.isEmpty)]
        }
        await check("declined before the connection has it") { s in
            let gate = Gate()
            s.agent.wait = gate.wait
            s.agent.incoming = s.incoming
            s.push(s.id)
            await settle()
            let end = s.end(s.id)
            gate.open()
            s.bridge.ring(s.incoming)
            await settle()
            return [("rejected once", s.incoming.log == ["rejected"]), ("rung once", CXProvider.told == ["rings"]), ("ended", end.outcome == "fulfilled")]
        }
        await check("a push for a call that never comes, answered") { s in
            let gate = Gate()
            s.agent.wait = gate.wait
            s.push(s.id)
            await settle()
            let answer = s.answer()
            gate.open()
            await settle()
            return [("ended", CXProvider.told == ["rings", "unanswered"] && CXProvider.shown.isEmpty), ("failed", answer.outcome == "failed")]
        }
        await check("a push that cannot be read") { s in
            s.push(nil)
            await settle()
            return [("reported and ended", CXProvider.told == ["rings", "failed"] && CXProvider.shown.isEmpty)]
        }
        await check("a push for a call that is over") { s in
            s.bridge.ring(s.incoming)
            await settle()
            _ = s.answer()
            await settle()
            s.incoming.call.end()
            await settle()
            s.push(s.id)
            await settle()
            return [("reported and ended", CXProvider.told == ["rings", "remoteEnded", "rings", "unanswered"] && CXProvider.shown.isEmpty)]
        }
        await check("ended while it is being placed") { s in
            let gate = Gate()
            s.agent.wait = gate.wait
            let start = s.place()
            await settle()
            _ = s.end(s.id)
            gate.open()
            await settle()
            return [("hung up", s.agent.placed.log == ["hung up"]), ("not begun", s.began == 0), ("one answer", start.outcome == "fulfilled")]
        }
        await check("placed with video, then one accepted") { s in
            let start = s.place(video: true)
            await settle()
            s.agent.placed.end()
            s.bridge.ring(s.incoming)
            await settle()
            _ = s.answer()
            await settle()
            return [("placed", start.outcome == "fulfilled"), ("begun twice", s.began == 2), ("asked for each", s.asked == ["placed, video", "accepted"])]
        }
        await check("ended while it is being accepted") { s in
            let gate = Gate()
            s.incoming.wait = gate.wait
            s.bridge.ring(s.incoming)
            await settle()
            let answer = s.answer()
            await settle()
            _ = s.end(s.id)
            gate.open()
            await settle()
            return [("hung up", s.incoming.call.log == ["hung up"]), ("not begun", s.began == 0), ("one answer", answer.outcome == "fulfilled")]
        }
        print("verify: CallKitBridge: ok")
    }
}
