import Foundation
import ParleyCore

/// A message.
public struct ChatMessage: Sendable, Identifiable {
    /// What a message is.
    public enum Kind: Int32, Sendable {
        /// Something that this layer does not know.
        case other = 0
        /// Somebody wrote plain text.
        case text = 1
        /// Somebody wrote HTML: show it only where no script runs.
        case html = 2
        /// The thread has another topic, which is `content`.
        case topicUpdated = 3
        /// `participants` came.
        case participantAdded = 4
        /// `participants` went.
        case participantRemoved = 5
    }

    /// The id within its thread.
    public let id: String
    /// Changes with every edit.
    public let version: String
    /// What the message is.
    public let kind: Kind
    /// Orders the messages of a thread.
    public let sequence: String
    /// The text.
    public let content: String
    /// The raw id of who wrote it.
    public let senderID: String
    /// The name that was given with it; may be empty.
    public let senderDisplayName: String
    /// When the service took it.
    public let createdOn: Date?
    /// When it was edited last; nil for never.
    public let editedOn: Date?
    /// When it was deleted; nil for never.
    public let deletedOn: Date?
    /// Files and pictures.
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
    /// The raw id, "8:acs:…".
    public let userID: String
    /// The name that is shown to the others; may be empty.
    public let displayName: String
    /// From when on it sees what was written; nil: all of it.
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
    /// The thread.
    public let threadID: String
    /// Its topic.
    public let topic: String
    /// The message up to which the user has read; may be empty.
    public let lastRead: String
    /// How many messages of others came since.
    public let unreadCount: Int
    /// The user is in the thread no more, or it was deleted.
    public let isGone: Bool

    init(_ state: ParleyMobileChatThreadState) {
        threadID = state.threadID
        topic = state.topic
        lastRead = state.lastRead
        unreadCount = Int(state.unread)
        isGone = state.gone
    }
}

/// A file of a message.
public struct ChatAttachment: Sendable, Identifiable {
    /// The id that uploading gave.
    public let id: String
    /// The file's name.
    public let name: String
    /// A picture, to be shown by `ChatThread.image`.
    public let isImage: Bool

    /// Names what was uploaded.
    public init(id: String, name: String, isImage: Bool) {
        self.id = id
        self.name = name
        self.isImage = isImage
    }

    init(_ attachment: ParleyMobileChatAttachment) {
        id = attachment.id_
        name = attachment.name
        isImage = attachment.image
    }

    var core: ParleyMobileChatAttachment {
        let made: ParleyMobileChatAttachment = ParleyMobileChatAttachment()
        made.id_ = id
        made.name = name
        made.image = isImage
        return made
    }
}

/// A thread in a list.
public struct ChatThreadItem: Sendable, Identifiable {
    /// The thread's id, for `ChatClient.thread`.
    public let id: String
    /// Its topic.
    public let topic: String
    /// When the newest message came; nil for none.
    public let lastMessageReceivedOn: Date?

    init(_ item: ParleyMobileChatThreadItem) {
        id = item.id_
        topic = item.topic
        lastMessageReceivedOn = date(item.lastMessageReceivedOn)
    }
}

/// What a thread is.
public struct ChatThreadProperties: Sendable {
    /// What it is about.
    public let topic: String
    /// When it was made.
    public let createdOn: Date?
    /// The raw id of who made it.
    public let createdBy: String
    /// Names and values of the application's own.
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
    /// The raw id of who has read.
    public let senderID: String
    /// The message up to which.
    public let messageID: String
    /// When.
    public let readOn: Date?

    init(_ receipt: ParleyMobileChatReadReceipt) {
        senderID = receipt.senderID
        messageID = receipt.messageID
        readOn = date(receipt.readOn)
    }
}

/// A user that could not be added to a thread, and why.
public struct InvalidParticipant: Sendable {
    /// The raw id.
    public let userID: String
    /// The service's word for the reason.
    public let code: String
    /// A sentence for a developer.
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
