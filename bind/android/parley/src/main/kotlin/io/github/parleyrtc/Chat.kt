package io.github.parleyrtc

import io.github.parleyrtc.mobile.ChatListener as NativeListener
import io.github.parleyrtc.mobile.ChatMessageEvent
import io.github.parleyrtc.mobile.ChatMessageOptions
import io.github.parleyrtc.mobile.ChatParticipantList
import io.github.parleyrtc.mobile.ChatParticipantsEvent
import io.github.parleyrtc.mobile.ChatReadReceipt as NativeReceipt
import io.github.parleyrtc.mobile.ChatStateListener as NativeStateListener
import io.github.parleyrtc.mobile.ChatThreadEvent
import io.github.parleyrtc.mobile.ChatThreadOptions
import io.github.parleyrtc.mobile.ChatThreadState as NativeThreadState
import io.github.parleyrtc.mobile.ChatTypingEvent
import io.github.parleyrtc.mobile.Failure
import io.github.parleyrtc.mobile.Metadata
import io.github.parleyrtc.mobile.Mobile
import io.github.parleyrtc.mobile.OutboxListener as NativeOutboxListener
import io.github.parleyrtc.mobile.OutboxMessage as NativeOutboxMessage
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.getAndUpdate
import kotlinx.coroutines.flow.update

/**
 * A user's chat.
 *
 * @property displayName goes with what the user sends.
 * @property deviceId tells this device from the user's other ones; keep it over restarts. Empty: a random one.
 * @property position what [ChatClient.position] was at an earlier run: what happened since is told by start.
 */
public class ChatOptions @JvmOverloads constructor(
    public var displayName: String = "",
    public var deviceId: String = "",
    public var position: String = "",
)

/** What happened to a message or a thread. */
public enum class ChatChange(internal val number: Int) {
    /** Is new. */
    CREATED(Mobile.ChatChangeCreated),

    /** Was changed. */
    UPDATED(Mobile.ChatChangeUpdated),

    /** Was deleted. */
    DELETED(Mobile.ChatChangeDeleted),
    ;

    internal companion object {
        fun of(number: Int): ChatChange = entries.find { it.number == number } ?: UPDATED
    }
}

/** The connection for events. */
public sealed class ChatConnection {
    /** [ChatClient.start] has not succeeded yet. */
    public data object NotStarted : ChatConnection()

    /** Everything that happened so far was told. */
    public data object Synced : ChatConnection()

    /**
     * The connection is lost; what happens meanwhile is told later.
     *
     * @property error why the connection was lost, if that is known.
     */
    public data class Reconnecting(val error: ParleyException?) : ChatConnection()

    /**
     * The service sent the user away, or the client was closed. Final.
     *
     * @property error why, [ParleyException.Unauthorized] asks for a new sign-in; null after [ChatClient.close].
     */
    public data class Closed(val error: ParleyException?) : ChatConnection()
}

/**
 * A member of a thread. [shareHistoryOn] is in milliseconds since 1970; zero: from the beginning.
 *
 * @property userId the raw id, `8:acs:…`.
 * @property displayName the name shown to the others, or nothing.
 * @property shareHistoryOn from when on the member sees what was written, in milliseconds since 1970; zero: from the beginning.
 */
public data class ChatParticipant @JvmOverloads constructor(
    val userId: String,
    val displayName: String = "",
    val shareHistoryOn: Long = 0,
) {
    internal companion object {
        fun of(n: io.github.parleyrtc.mobile.ChatParticipant): ChatParticipant =
            ChatParticipant(text(n.userID), text(n.displayName), n.shareHistoryOn)

        fun of(list: ChatParticipantList): List<ChatParticipant> = (0 until list.len()).mapNotNull { i -> list.at(i)?.let { of(it) } }
    }
}

/** The types of messages. */
public enum class ChatMessageType(internal val number: Int) {
    /** A kind that this version does not know. */
    OTHER(Mobile.MessageTypeOther),

    /** Plain text. */
    TEXT(Mobile.MessageTypeText),

    /** Text with marks of HTML, without scripts. */
    HTML(Mobile.MessageTypeHTML),

    /** Tells of a new topic. */
    TOPIC_UPDATED(Mobile.MessageTypeTopicUpdated),

    /** Tells who came. */
    PARTICIPANT_ADDED(Mobile.MessageTypeParticipantAdded),

    /** Tells who went. */
    PARTICIPANT_REMOVED(Mobile.MessageTypeParticipantRemoved),
}

/**
 * An image of a message ([isImage]), which [ChatThread.image] fetches, or another file.
 *
 * @property id names it in its thread.
 * @property name what the sender called it, or nothing.
 * @property isImage whether [ChatThread.image] fetches it.
 */
public data class ChatAttachment(val id: String, val name: String, val isImage: Boolean)

/**
 * A message. Times are in milliseconds since 1970, zero for never; [sequence] orders those of a thread.
 *
 * @property id names the message in its thread.
 * @property version changes with every edit.
 * @property type what kind it is.
 * @property sequence its place in the thread.
 * @property content what was written, or the new topic; empty after it was deleted.
 * @property senderId the raw id of who wrote it; empty for changes of the thread.
 * @property senderDisplayName the name that went with it, or nothing.
 * @property createdOn when it was written.
 * @property editedOn when it was edited last.
 * @property deletedOn when it was deleted.
 * @property metadata names and values of the application's own.
 * @property participants who came or went, for those two types.
 * @property attachments images and files.
 */
public data class ChatMessage(
    val id: String,
    val version: String,
    val type: ChatMessageType,
    val sequence: Long,
    val content: String,
    val senderId: String,
    val senderDisplayName: String,
    val createdOn: Long,
    val editedOn: Long,
    val deletedOn: Long,
    val metadata: Map<String, String>,
    val participants: List<ChatParticipant>,
    val attachments: List<ChatAttachment>,
) {
    internal companion object {
        fun of(m: io.github.parleyrtc.mobile.ChatMessage): ChatMessage {
            val files = m.attachments()
            return ChatMessage(
                text(m.id), text(m.version), ChatMessageType.entries.find { it.number == m.type } ?: ChatMessageType.OTHER,
                m.sequence?.toLongOrNull() ?: 0, text(m.content), text(m.senderID), text(m.senderDisplayName),
                m.createdOn, m.editedOn, m.deletedOn, map(m.metadata()), ChatParticipant.of(m.participants()),
                (0 until files.len()).mapNotNull { files.at(it) }.map { ChatAttachment(text(it.id), text(it.name), it.image) },
            )
        }
    }
}

/**
 * Up to where a participant has read; [readOn] in milliseconds since 1970.
 *
 * @property senderId the raw id of who has read.
 * @property messageId the last message that was read.
 * @property readOn when, in milliseconds since 1970.
 */
public data class ChatReadReceipt(val senderId: String, val messageId: String, val readOn: Long) {
    internal companion object {
        fun of(r: NativeReceipt): ChatReadReceipt = ChatReadReceipt(text(r.senderID), text(r.messageID), r.readOn)
    }
}

/**
 * Where a thread stands for the user.
 *
 * @property threadId the thread.
 * @property topic what it is about.
 * @property lastRead the id of the last message that the user has read, or nothing.
 * @property unread how many messages of others came since.
 * @property isGone whether the user is in it no more.
 */
public data class ChatThreadState(
    val threadId: String,
    val topic: String,
    val lastRead: String,
    val unread: Int,
    val isGone: Boolean,
) {
    internal companion object {
        fun of(s: NativeThreadState): ChatThreadState =
            ChatThreadState(text(s.threadID), text(s.topic), text(s.lastRead), s.unread, s.gone)
    }
}

/** What happens in the user's threads. */
public sealed class ChatEvent {
    /**
     * A message came, was edited or deleted, the user's own included.
     *
     * @property threadId where.
     * @property message the message as it is now.
     * @property change what happened to it.
     * @property clientId what [SendOptions.clientId] was, for one of the user's own; otherwise empty.
     */
    public data class Message(val threadId: String, val message: ChatMessage, val change: ChatChange, val clientId: String) : ChatEvent()

    /**
     * A thread was made, changed or deleted.
     *
     * @property threadId the thread.
     * @property topic what it is about.
     * @property by the raw id of who did it.
     * @property change what happened to it.
     * @property metadata names and values of the application's own.
     * @property participants its members, when it is new.
     */
    public data class Thread(
        val threadId: String,
        val topic: String,
        val by: String,
        val change: ChatChange,
        val metadata: Map<String, String>,
        val participants: List<ChatParticipant>,
    ) : ChatEvent()

    /**
     * Members came, or went.
     *
     * @property threadId where.
     * @property by the raw id of who added or removed them.
     * @property joined true: they came; false: they went.
     * @property participants who.
     */
    public data class Participants(val threadId: String, val by: String, val joined: Boolean, val participants: List<ChatParticipant>) :
        ChatEvent()

    /**
     * Somebody else writes.
     *
     * @property threadId where.
     * @property senderId the raw id of who writes.
     * @property senderDisplayName the name, or nothing.
     */
    public data class Typing(val threadId: String, val senderId: String, val senderDisplayName: String) : ChatEvent()

    /**
     * Somebody has read, perhaps the user at another device.
     *
     * @property threadId where.
     * @property receipt who has read up to which message.
     */
    public data class ReadReceipt(val threadId: String, val receipt: ChatReadReceipt) : ChatEvent()

    /**
     * Another number of messages is unread, or the user came into a thread or left it.
     *
     * @property state where the thread stands now.
     */
    public data class ThreadStateChanged(val state: ChatThreadState) : ChatEvent()

    /**
     * The connection was lost, came back or is over.
     *
     * @property connection where the connection stands now.
     */
    public data class ConnectionChanged(val connection: ChatConnection) : ChatEvent()
}

/** Hears what happens in the user's threads, each thing once and in order, on one thread of the library. */
public fun interface ChatListener {
    /** An event counts as told when this has returned; what it throws goes to [ParleyOptions.listenerErrors]. */
    public fun onChatEvent(chat: ChatClient, event: ChatEvent)
}

/** A user's chat: threads, and what happens in them as it happens. */
public class ChatClient internal constructor(private val parley: Parley, listener: ChatListener?) : AutoCloseable {
    private val told = Events<ChatEvent>()
    private val connectionNow = MutableStateFlow<ChatConnection>(ChatConnection.NotStarted)
    internal lateinit var chat: io.github.parleyrtc.mobile.ChatClient

    /** Where the connection for events stands. */
    public val connection: StateFlow<ChatConnection> = connectionNow.asStateFlow()

    /** What happens, from when it is collected on; a slow collector holds the library up. */
    public val events: Flow<ChatEvent> get() = told.flow

    /** Up to where events were told, as a text to keep for [ChatOptions.position]. */
    public val position: String get() = chat.position()

    /** Connects and returns when everything that was missed was told. When it fails it may be called again. */
    @Throws(ParleyException::class)
    public suspend fun start(): Unit = waiting { chat.start() }

    /** The device has another network: the connection is replaced at once. */
    public fun networkChanged(): Unit = chat.networkChanged()

    /** Makes a thread, whose first participant is the user. Who could not be added is in its [ChatThread.invalidParticipants]. */
    @JvmOverloads
    @Throws(ParleyException::class)
    public suspend fun createThread(
        topic: String,
        participants: List<ChatParticipant> = emptyList(),
        metadata: Map<String, String> = emptyMap(),
    ): ChatThread = ChatThread(
        waiting {
            val options = ChatThreadOptions()
            participants.forEach { options.addParticipant(it.userId, it.displayName) }
            options.setMetadata(metadata(metadata))
            chat.createThread(topic, options)
        },
    )

    /** A thread by its id. It asks nobody: whether it is there, its first method tells. */
    @Throws(ParleyException::class)
    public fun thread(id: String): ChatThread = ChatThread(native { chat.thread(id) })

    /** Deletes a thread for all its participants. */
    @Throws(ParleyException::class)
    public suspend fun deleteThread(id: String): Unit = waiting { chat.deleteThread(id) }

    /** The ids and topics of the threads that the user is in, fetched page by page as they are collected. */
    public fun threads(): Flow<ChatThreadItem> = flow {
        val pager = chat.threads()
        while (true) {
            val next = waiting { pager.next() } ?: return@flow
            emit(ChatThreadItem(text(next.id), text(next.topic), next.lastMessageReceivedOn))
        }
    }

    /** Where a thread stands, as far as it was told; null for one that the user is not in, and before [start]. */
    public fun threadState(id: String): ChatThreadState? = chat.threadState(id)?.let { ChatThreadState.of(it) }

    /** Where the user's threads stand, as far as it was told. */
    public fun threadStates(): List<ChatThreadState> {
        val list = chat.threadStates()
        return (0 until list.len()).mapNotNull { i -> list.at(i)?.let { ChatThreadState.of(it) } }
    }

    /** Opens an outbox whose messages are in the file [path]; it begins to send what is in it. */
    @JvmOverloads
    @Throws(ParleyException::class)
    public fun openOutbox(path: String, listener: OutboxListener? = null): Outbox = Outbox(
        native {
            chat.openOutbox(
                path,
                listener?.let {
                    object : NativeOutboxListener {
                        override fun onSent(message: NativeOutboxMessage, messageID: String) =
                            parley.callbacks.run { it.onSent(OutboxMessage.of(message), messageID) }
                        override fun onSendFailed(message: NativeOutboxMessage, failure: Failure) =
                            parley.callbacks.run { it.onSendFailed(OutboxMessage.of(message), ParleyException.of(failure)) }
                    }
                },
            )
        },
    )

    /** Waits until what is being sent has been answered, then closes. Not for listeners. */
    @Throws(ParleyException::class)
    public suspend fun shutdown() {
        waiting { chat.shutdown() }
        close()
    }

    /** Ends the connection at once and drops the listeners. It waits for nothing; again it does nothing. */
    override fun close() {
        chat.close()
        parley.parts -= this
        told.close()
        connectionNow.update { it as? ChatConnection.Closed ?: ChatConnection.Closed(null) }
    }

    private fun tell(listener: ChatListener?, event: ChatEvent) {
        parley.callbacks.run { listener?.onChatEvent(this, event) }
        told.emit(event)
    }

    internal val heard = Heard(listener)

    internal inner class Heard(private val listener: ChatListener?) : NativeListener, NativeStateListener {
        override fun onMessage(event: ChatMessageEvent, change: Int) = parley.callbacks.run {
            val message = ChatMessage.of(event.message)
            tell(listener, ChatEvent.Message(text(event.threadID), message, ChatChange.of(change), text(event.clientID)))
        }

        override fun onThread(event: ChatThreadEvent, change: Int) = parley.callbacks.run {
            tell(
                listener,
                ChatEvent.Thread(
                    text(event.threadID), text(event.topic), text(event.by), ChatChange.of(change),
                    map(event.metadata()), ChatParticipant.of(event.participants()),
                ),
            )
        }

        override fun onParticipants(event: ChatParticipantsEvent, joined: Boolean) = parley.callbacks.run {
            val who = ChatParticipant.of(event.participants())
            tell(listener, ChatEvent.Participants(text(event.threadID), text(event.by), joined, who))
        }

        override fun onTyping(event: ChatTypingEvent) = parley.callbacks.run {
            tell(listener, ChatEvent.Typing(text(event.threadID), text(event.senderID), text(event.senderDisplayName)))
        }

        override fun onReadReceipt(threadID: String, receipt: NativeReceipt) = parley.callbacks.run {
            tell(listener, ChatEvent.ReadReceipt(threadID, ChatReadReceipt.of(receipt)))
        }

        override fun onThreadState(state: NativeThreadState) = parley.callbacks.run {
            tell(listener, ChatEvent.ThreadStateChanged(ChatThreadState.of(state)))
        }

        override fun onChatConnectionChanged(state: Int, failure: Failure?) = parley.callbacks.run {
            val error = failure?.let { ParleyException.of(it) }
            val now = when (state) {
                Mobile.ChatConnectionSynced -> ChatConnection.Synced
                Mobile.ChatConnectionReconnecting -> ChatConnection.Reconnecting(error)
                else -> ChatConnection.Closed(error)
            }
            // What was on its way when the client was closed does not bring it back.
            if (connectionNow.getAndUpdate { it as? ChatConnection.Closed ?: now } !is ChatConnection.Closed) {
                tell(listener, ChatEvent.ConnectionChanged(now))
            }
        }
    }
}

/**
 * A thread in a list; [lastMessageReceivedOn] in milliseconds since 1970, zero when there is none.
 *
 * @property id the id, for [ChatClient.thread].
 * @property topic what it is about.
 * @property lastMessageReceivedOn when the last message came, in milliseconds since 1970; zero when there is none.
 */
public data class ChatThreadItem(val id: String, val topic: String, val lastMessageReceivedOn: Long)

internal fun map(m: Metadata): Map<String, String> = (0 until m.len()).associate { i -> m.nameAt(i).let { it to m.get(it) } }

internal fun metadata(pairs: Map<String, String>): Metadata = Metadata().apply { pairs.forEach { (name, value) -> set(name, value) } }

/**
 * A message to send.
 *
 * @property html tells that the content has marks of HTML.
 * @property senderDisplayName is shown to the others; empty: [ChatOptions.displayName].
 * @property clientId names the message: with the same one in the same thread it is written once. Empty: a random one.
 * @property metadata names and values of the application's own.
 * @property attachments what [ChatThread.uploadImage] has given.
 */
public class SendOptions @JvmOverloads constructor(
    public var html: Boolean = false,
    public var senderDisplayName: String = "",
    public var clientId: String = "",
    public var metadata: Map<String, String> = emptyMap(),
    public var attachments: List<ChatAttachment> = emptyList(),
) {
    internal fun native(): ChatMessageOptions = ChatMessageOptions().also { o ->
        o.html = html
        o.senderDisplayName = senderDisplayName
        o.clientID = clientId
        o.metadata = metadata(metadata)
        attachments.forEach { a ->
            o.addAttachment(
                io.github.parleyrtc.mobile.ChatAttachment().apply {
                    id = a.id
                    name = a.name
                    image = a.isImage
                },
            )
        }
    }
}
