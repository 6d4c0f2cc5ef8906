import Foundation
import ParleyCore

/// How a user takes part in chat.
public struct ChatOptions: Sendable {
    /// Goes with what the user sends.
    public var displayName = ""
    /// Tells this device from the user's other ones; keep it over restarts.
    public var deviceID = ""
    /// What `ChatClient.position` was at an earlier run: what happened since is told.
    public var position = ""

    /// The defaults.
    public init() {}
}

/// What happened to a message or a thread.
public enum ChatChange: Int32, Sendable {
    /// It is new.
    case created = 1
    /// It was changed.
    case updated = 2
    /// It is gone.
    case deleted = 3
}

/// The states of the connection for events.
public enum ChatConnection: Int32, Sendable {
    /// Everything that was missed was told; what comes, comes as it happens.
    case synced = 1
    /// It was lost and is being made again.
    case reconnecting = 2
    /// It has ended for good.
    case closed = 3
}

/// What happens in the user's threads, each thing once and in order.
public enum ChatEvent: Sendable {
    /// A message was written, edited or deleted. The client id is the sender's own.
    case message(ChatMessage, thread: String, ChatChange, clientID: String)
    /// A thread was made, changed or deleted. The members are those of a thread that was made.
    case thread(id: String, topic: String, ChatChange, by: String, metadata: [String: String], members: [ChatParticipant])
    /// Members came or went.
    case participants(thread: String, [ChatParticipant], joined: Bool, by: String)
    /// Somebody writes.
    case typing(thread: String, sender: String, displayName: String)
    /// Somebody has read up to a message.
    case read(thread: String, ChatReadReceipt)
    /// The user stands elsewhere in a thread: read on another device, for example.
    case threadState(ChatThreadState)
    /// The connection has changed; the error says why it ended.
    case connection(ChatConnection, ParleyError?)
}

/// A user's chat: threads, and what happens in them as it happens. Hold on to it:
/// one that is freed is closed. Every method may be called on any thread or actor;
/// those that wait throw `ParleyError`.
public final class ChatClient: @unchecked Sendable {
    let core: ParleyMobileChatClient
    private let client: Client
    private let relay: ChatRelay

    /// What happens from `start` on, for one reader; what nobody reads waits in
    /// memory. It ends when the chat client or its client is closed.
    public var events: AsyncStream<ChatEvent> { relay.events.stream }

    init(_ core: ParleyMobileChatClient, client: Client, relay: ChatRelay) {
        self.core = core
        self.client = client
        self.relay = relay
    }

    /// Connects; returns when everything that was missed was told.
    public func start() async throws {
        let core = self.core
        try await waiting { try core.start() }
    }

    /// Up to where events were told, to keep for `ChatOptions.position`.
    public var position: String { core.position() }

    /// Makes a thread, whose first participant is the user. `participants` are raw
    /// ids with the names that are shown to the others; who could not be added is in
    /// the thread's `invalidParticipants`.
    public func createThread(
        topic: String, participants: [String: String] = [:], metadata values: [String: String] = [:]
    ) async throws -> ChatThread {
        let core = self.core
        let thread = try await waiting { () throws -> ParleyMobileChatThread in
            let options: ParleyMobileChatThreadOptions = ParleyMobileChatThreadOptions()
            for (user, name) in participants { try options.addParticipant(user, displayName: name) }
            options.setMetadata(metadata(values))
            return try core.createThread(topic, options: options)
        }
        return ChatThread(thread)
    }

    /// The user's threads.
    public func threads(limit: Int = 1000) async throws -> [ChatThreadItem] {
        let core = self.core
        return try await waiting { () throws -> [ChatThreadItem] in
            guard let pager: ParleyMobileChatThreadPager = core.threads() else { return [] }
            var list: [ChatThreadItem] = []
            while list.count < limit, let next: ParleyMobileChatThreadItem = try optional({ try pager.next() }) {
                list.append(ChatThreadItem(next))
            }
            return list
        }
    }

    /// A thread by its id. It asks nobody: whether it is there, its first method tells.
    public func thread(_ id: String) throws -> ChatThread {
        ChatThread(try typed { try core.thread(id) })
    }

    /// Deletes a thread for all its members.
    public func deleteThread(_ id: String) async throws {
        let core = self.core
        try await waiting { try core.deleteThread(id) }
    }

    /// Where a thread stands; nil for one that the user is not in, and before `start`.
    public func threadState(_ id: String) -> ChatThreadState? { core.threadState(id).map(ChatThreadState.init) }

    /// Where the user's threads stand, as far as it was told.
    public var threadStates: [ChatThreadState] {
        guard let list: ParleyMobileChatThreadStateList = core.threadStates() else { return [] }
        return (0..<list.len()).compactMap { list.at($0).map(ChatThreadState.init) }
    }

    /// Messages that are kept in a file and sent once, also over restarts of the application.
    public func outbox(at file: URL) throws -> Outbox {
        let relay = OutboxRelay()
        self.relay.endings.add(relay)
        let outbox: ParleyMobileOutbox = try typed { try core.openOutbox(file.path, listener: relay) }
        return Outbox(outbox, relay: relay)
    }

    /// Waits until what is being sent has been answered, then closes. It is closed
    /// also when this throws.
    public func shutdown() async throws {
        let core = self.core
        defer { close() }
        try await waiting { try core.shutdown() }
    }

    /// Ends the connection at once; the streams of events end. Again, it does nothing.
    public func close() {
        relay.end()
        core.close()
    }

    deinit { close() }
}

/// A thread of chat. Its methods ask the service, and throw `ParleyError`: with
/// `forbidden` or `notFound` for a thread that the user is not in.
public final class ChatThread: @unchecked Sendable {
    let core: ParleyMobileChatThread

    init(_ core: ParleyMobileChatThread) { self.core = core }

    /// The thread's id.
    public var id: String { core.id_() }

    /// Who could not be added when the thread was made.
    public var invalidParticipants: [InvalidParticipant] {
        guard let list: ParleyMobileInvalidParticipantList = core.invalidParticipants() else { return [] }
        return (0..<list.len()).compactMap { list.at($0).map(InvalidParticipant.init) }
    }

    /// Sends a message and returns its id. With the same clientID it is sent once.
    @discardableResult
    public func send(
        _ content: String, isHTML: Bool = false, clientID: String = "", senderDisplayName: String = "",
        attachments: [ChatAttachment] = [], metadata values: [String: String] = [:]
    ) async throws -> String {
        let core = self.core
        return try await waiting { () throws -> String in
            let options: ParleyMobileChatMessageOptions = ParleyMobileChatMessageOptions()
            options.html = isHTML
            options.clientID = clientID
            options.senderDisplayName = senderDisplayName
            options.metadata = metadata(values)
            for attachment in attachments { options.add(attachment.core) }
            let sent: ParleyMobileSentMessage = try core.sendMessage(content, options: options)
            return sent.id_
        }
    }

    /// The topic, and who made the thread.
    public func properties() async throws -> ChatThreadProperties {
        let core = self.core
        return ChatThreadProperties(try await waiting { try core.properties() })
    }

    /// One message.
    public func message(_ id: String) async throws -> ChatMessage {
        let core = self.core
        return ChatMessage(try await waiting { try core.message(id) })
    }

    /// Up to where the members have read.
    public func readReceipts() async throws -> [ChatReadReceipt] {
        let core = self.core
        return try await waiting { () throws -> [ChatReadReceipt] in
            guard let pager: ParleyMobileChatReadReceiptPager = core.readReceipts() else { return [] }
            var list: [ChatReadReceipt] = []
            while let next: ParleyMobileChatReadReceipt = try optional({ try pager.next() }) {
                list.append(ChatReadReceipt(next))
            }
            return list
        }
    }

    /// Gives a message of the user's own another text.
    public func editMessage(_ messageID: String, content: String) async throws {
        let core = self.core
        try await waiting { try core.editMessage(messageID, content: content) }
    }

    /// Deletes a message of the user's own.
    public func deleteMessage(_ messageID: String) async throws {
        let core = self.core
        try await waiting { try core.deleteMessage(messageID) }
    }

    /// The newest messages first, at most this many.
    public func messages(limit: Int = 50) async throws -> [ChatMessage] {
        let core = self.core
        return try await waiting { () throws -> [ChatMessage] in
            guard let pager: ParleyMobileChatMessagePager = core.messages() else { return [] }
            var list: [ChatMessage] = []
            while list.count < limit, let next: ParleyMobileChatMessage = try optional({ try pager.next() }) {
                list.append(ChatMessage(next))
            }
            return list
        }
    }

    /// The members.
    public func participants() async throws -> [ChatParticipant] {
        let core = self.core
        return try await waiting { () throws -> [ChatParticipant] in
            guard let pager: ParleyMobileChatParticipantPager = core.participants() else { return [] }
            var list: [ChatParticipant] = []
            while let next: ParleyMobileChatParticipant = try optional({ try pager.next() }) {
                list.append(ChatParticipant(next))
            }
            return list
        }
    }

    /// Adds a user, a raw id "8:acs:…", with the name that is shown to the others.
    public func addParticipant(_ userID: String, displayName: String = "") async throws {
        let core = self.core
        try await waiting { try core.addParticipant(userID, displayName: displayName) }
    }

    /// Removes a member; the user's own raw id leaves the thread.
    public func removeParticipant(_ userID: String) async throws {
        let core = self.core
        try await waiting { try core.removeParticipant(userID) }
    }

    /// Changes the topic.
    public func setTopic(_ topic: String) async throws {
        let core = self.core
        try await waiting { try core.setTopic(topic) }
    }

    /// Tells the others that the user writes. They show it for some seconds.
    public func sendTyping() async throws {
        let core = self.core
        try await waiting { try core.sendTyping() }
    }

    /// Tells the others that the user has read up to a message.
    public func sendReadReceipt(_ messageID: String) async throws {
        let core = self.core
        try await waiting { try core.sendReadReceipt(messageID) }
    }

    /// Uploads a picture, to go with a message.
    public func uploadImage(_ image: Data, name: String) async throws -> ChatAttachment {
        let core = self.core
        return ChatAttachment(try await waiting { try core.uploadImage(image, name: name) })
    }

    /// A picture of a message, whole or small.
    public func image(_ id: String, preview: Bool = false) async throws -> Data {
        let core = self.core
        return try await waiting { try optional { try core.image(id, preview: preview) } ?? Data() }
    }
}

/// What became of a message of an outbox.
public enum OutboxEvent: Sendable {
    /// The service has it.
    case sent(clientID: String, messageID: String)
    /// The service refuses it; it is not tried again.
    case failed(clientID: String, content: String, ParleyError)
}

/// A message that waits to be sent.
public struct OutboxMessage: Sendable, Identifiable {
    /// The client id.
    public let id: String
    /// Where it goes.
    public let threadID: String
    /// The text.
    public let content: String
    /// The text is HTML.
    public let isHTML: Bool
    /// When it was added.
    public let addedOn: Date?

    init(_ message: ParleyMobileOutboxMessage) {
        id = message.clientID
        threadID = message.threadID
        content = message.content
        isHTML = message.html
        addedOn = date(message.addedOn)
    }
}

/// Messages that are kept in a file until they are sent, in order, each once.
public final class Outbox: @unchecked Sendable {
    let core: ParleyMobileOutbox
    private let relay: OutboxRelay

    /// What became of messages, for one reader. It ends with the outbox or its client.
    public var events: AsyncStream<OutboxEvent> { relay.events.stream }

    init(_ core: ParleyMobileOutbox, relay: OutboxRelay) {
        self.core = core
        self.relay = relay
    }

    /// Keeps a message and returns its client id.
    @discardableResult
    public func add(_ content: String, thread: String) throws -> String {
        let message: ParleyMobileOutboxMessage = try typed { try core.add(thread, content: content, options: nil) }
        return message.clientID
    }

    /// Takes back a message that was not sent yet.
    public func remove(_ clientID: String) throws { try typed { try core.remove(clientID) } }

    /// Tries at once instead of after the next wait.
    public func retry() { core.retry() }

    /// The messages that wait, oldest first.
    public var messages: [OutboxMessage] {
        guard let list: ParleyMobileOutboxMessageList = core.waiting() else { return [] }
        return (0..<list.len()).compactMap { list.at($0).map(OutboxMessage.init) }
    }

    /// Closes the file; what waits is sent after it is opened again. Again, it does
    /// nothing.
    public func close() {
        relay.end()
        core.close()
    }

    deinit { close() }
}

final class OutboxRelay: NSObject, ParleyMobileOutboxListener, Ending {
    let events = Events<OutboxEvent>()

    func end() { events.finish() }

    func onSent(_ message: ParleyMobileOutboxMessage?, messageID: String?) {
        if let message = message { events.tell(.sent(clientID: message.clientID, messageID: messageID ?? "")) }
    }

    func onSendFailed(_ message: ParleyMobileOutboxMessage?, failure: ParleyMobileFailure?) {
        if let message = message, let failure = failure {
            events.tell(.failed(clientID: message.clientID, content: message.content, ParleyError(failure)))
        }
    }
}

final class ChatRelay: NSObject, ParleyMobileChatListener, ParleyMobileChatStateListener, Ending {
    let events = Events<ChatEvent>()
    /// The chat's outboxes.
    let endings = Endings()

    func end() {
        events.finish()
        endings.end()
    }

    func onMessage(_ event: ParleyMobileChatMessageEvent?, change: Int32) {
        guard let event = event, let message: ParleyMobileChatMessage = event.message,
              let change = ChatChange(rawValue: change) else { return }
        events.tell(.message(ChatMessage(message), thread: event.threadID, change, clientID: event.clientID))
    }

    func onThread(_ event: ParleyMobileChatThreadEvent?, change: Int32) {
        guard let event = event, let change = ChatChange(rawValue: change) else { return }
        events.tell(.thread(
            id: event.threadID, topic: event.topic, change, by: event.by,
            metadata: dictionary(event.metadata()), members: ChatParticipant.list(event.participants())))
    }

    func onParticipants(_ event: ParleyMobileChatParticipantsEvent?, joined: Bool) {
        guard let event = event else { return }
        events.tell(.participants(thread: event.threadID, ChatParticipant.list(event.participants()), joined: joined, by: event.by))
    }

    func onTyping(_ event: ParleyMobileChatTypingEvent?) {
        guard let event = event else { return }
        events.tell(.typing(thread: event.threadID, sender: event.senderID, displayName: event.senderDisplayName))
    }

    func onReadReceipt(_ threadID: String?, receipt: ParleyMobileChatReadReceipt?) {
        guard let receipt = receipt else { return }
        events.tell(.read(thread: threadID ?? "", ChatReadReceipt(receipt)))
    }

    func onThreadState(_ state: ParleyMobileChatThreadState?) {
        if let state = state { events.tell(.threadState(ChatThreadState(state))) }
    }

    func onChatConnectionChanged(_ state: Int32, failure: ParleyMobileFailure?) {
        events.tell(.connection(ChatConnection(rawValue: state) ?? .closed, failure.map(ParleyError.init)))
    }
}
