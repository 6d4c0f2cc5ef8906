import Foundation
import ParleyCore

/// A message.
public struct ChatMessage: Sendable, Identifiable {
    public enum Kind: Int32, Sendable {
        case other = 0
        case text = 1
        case html = 2
        case topicUpdated = 3
        case participantAdded = 4
        case participantRemoved = 5
    }

    public let id: String
    public let version: String
    public let kind: Kind
    /// Orders the messages of a thread.
    public let sequence: String
    public let content: String
    public let senderID: String
    public let senderDisplayName: String
    public let createdOn: Date?
    public let editedOn: Date?
    public let deletedOn: Date?
    public let attachments: [ChatAttachment]
    /// Names and values of the application's own.
    public let metadata: [String: String]
    /// Who came or went, of messages that tell that.
    public let participants: [ChatParticipant]

    init(_ message: ParleyMobileChatMessage) {
        id = message.id_
        version = message.version
        kind = Kind(rawValue: message.type) ?? .other
        sequence = message.sequence
        content = message.content
        senderID = message.senderID
        senderDisplayName = message.senderDisplayName
        createdOn = date(message.createdOn)
        editedOn = date(message.editedOn)
        deletedOn = date(message.deletedOn)
        let files: ParleyMobileChatAttachmentList? = message.attachments()
        attachments = (0..<(files?.len() ?? 0)).compactMap { files?.at($0).map(ChatAttachment.init) }
        metadata = dictionary(message.metadata())
        participants = ChatParticipant.list(message.participants())
    }
}

/// A member of a thread.
public struct ChatParticipant: Sendable {
    public let userID: String
    public let displayName: String
    public let shareHistoryOn: Date?

    init(_ participant: ParleyMobileChatParticipant) {
        userID = participant.userID
        displayName = participant.displayName
        shareHistoryOn = date(participant.shareHistoryOn)
    }

    static func list(_ list: ParleyMobileChatParticipantList?) -> [ChatParticipant] {
        guard let list = list else { return [] }
        return (0..<list.len()).compactMap { list.at($0).map(ChatParticipant.init) }
    }
}

/// Where a thread stands for the user.
public struct ChatThreadState: Sendable {
    public let threadID: String
    public let topic: String
    public let lastRead: String
    public let unread: Int
    /// The user is in the thread no more, or it was deleted.
    public let gone: Bool

    init(_ state: ParleyMobileChatThreadState) {
        threadID = state.threadID
        topic = state.topic
        lastRead = state.lastRead
        unread = Int(state.unread)
        gone = state.gone
    }
}

/// A file of a message.
public struct ChatAttachment: Sendable, Identifiable {
    public let id: String
    public let name: String
    /// A picture, to be shown by `ChatThread.image`.
    public let image: Bool

    public init(id: String, name: String, image: Bool) {
        self.id = id
        self.name = name
        self.image = image
    }

    init(_ attachment: ParleyMobileChatAttachment) {
        id = attachment.id_
        name = attachment.name
        image = attachment.image
    }

    var core: ParleyMobileChatAttachment {
        let made: ParleyMobileChatAttachment = ParleyMobileChatAttachment()
        made.id_ = id
        made.name = name
        made.image = image
        return made
    }
}

/// A thread in a list.
public struct ChatThreadItem: Sendable, Identifiable {
    public let id: String
    public let topic: String
    public let lastMessageReceivedOn: Date?

    init(_ item: ParleyMobileChatThreadItem) {
        id = item.id_
        topic = item.topic
        lastMessageReceivedOn = date(item.lastMessageReceivedOn)
    }
}

/// What a thread is.
public struct ChatThreadProperties: Sendable {
    public let topic: String
    public let createdOn: Date?
    /// The raw id of who made it.
    public let createdBy: String
    public let metadata: [String: String]

    init(_ properties: ParleyMobileChatThreadProperties) {
        topic = properties.topic
        createdOn = date(properties.createdOn)
        createdBy = properties.createdBy
        metadata = dictionary(properties.metadata())
    }
}

/// Up to where somebody has read.
public struct ChatReadReceipt: Sendable {
    public let senderID: String
    public let messageID: String
    public let readOn: Date?

    init(_ receipt: ParleyMobileChatReadReceipt) {
        senderID = receipt.senderID
        messageID = receipt.messageID
        readOn = date(receipt.readOn)
    }
}

/// A user that could not be added to a thread, and why.
public struct InvalidParticipant: Sendable {
    public let userID: String
    public let code: String
    public let message: String

    init(_ participant: ParleyMobileInvalidParticipant) {
        userID = participant.userID
        code = participant.code
        message = participant.message
    }
}

/// Names and values of the application's own, from the library.
func dictionary(_ metadata: ParleyMobileMetadata?) -> [String: String] {
    guard let metadata = metadata else { return [:] }
    var values: [String: String] = [:]
    for index in 0..<metadata.len() {
        let name = metadata.name(at: index)
        values[name] = metadata.get(name)
    }
    return values
}

/// The same for the library.
func metadata(_ values: [String: String]) -> ParleyMobileMetadata {
    let made: ParleyMobileMetadata = ParleyMobileMetadata()
    for (name, value) in values { made.set(name, value: value) }
    return made
}
