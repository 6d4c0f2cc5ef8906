package io.github.parleyrtc

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/**
 * What a thread is; [createdOn] in milliseconds since 1970.
 *
 * @property topic what it is about.
 * @property createdOn when it was made, in milliseconds since 1970.
 * @property createdBy the raw id of who made it.
 * @property metadata names and values of the application's own.
 */
public data class ChatThreadProperties(
    val topic: String,
    val createdOn: Long,
    val createdBy: String,
    val metadata: Map<String, String>,
)

/**
 * A message that the service has taken. [isRepeated]: its client id was there already, and nothing was written.
 *
 * @property id names the message in its thread.
 * @property isRepeated whether its client id was there already, so that nothing was written.
 */
public data class SentMessage(val id: String, val isRepeated: Boolean)

/**
 * A user who could not be added to a thread.
 *
 * @property userId the raw id, as it was given.
 * @property code the service's word for why.
 * @property message a sentence in English for a log, not for users.
 */
public data class InvalidParticipant(val userId: String, val code: String, val message: String)

/** Reads and writes in one thread. What the user may not do throws [ParleyException.Refused]. */
public class ChatThread internal constructor(private val native: io.github.parleyrtc.mobile.ChatThread) {
    /** The id of the thread. */
    public val id: String = native.id()

    /** Who could not be added when [ChatClient.createThread] made the thread; empty for one from elsewhere. */
    public val invalidParticipants: List<InvalidParticipant> = native.invalidParticipants().let { list ->
        (0 until list.len()).mapNotNull { list.at(it) }.map { InvalidParticipant(text(it.userID), text(it.code), text(it.message)) }
    }

    /** What the thread is. */
    @Throws(ParleyException::class)
    public suspend fun properties(): ChatThreadProperties = waiting {
        val p = native.properties()
        ChatThreadProperties(text(p.topic), p.createdOn, text(p.createdBy), map(p.metadata()))
    }

    /** Changes the topic. All participants hear of it. */
    @Throws(ParleyException::class)
    public suspend fun setTopic(topic: String): Unit = waiting { native.setTopic(topic) }

    /** Writes a message and returns when it is durable; once [ChatClient.start] has succeeded it is written once. */
    @JvmOverloads
    @Throws(ParleyException::class)
    public suspend fun send(content: String, options: SendOptions = SendOptions()): SentMessage = waiting {
        val sent = native.sendMessage(content, options.native())
        SentMessage(text(sent.id), sent.repeated)
    }

    /** Changes the text of a message of the user's own. */
    @Throws(ParleyException::class)
    public suspend fun edit(messageId: String, content: String): Unit = waiting { native.editMessage(messageId, content) }

    /** Deletes a message of the user's own; it stays in the list, without its content. */
    @Throws(ParleyException::class)
    public suspend fun delete(messageId: String): Unit = waiting { native.deleteMessage(messageId) }

    /** A message. */
    @Throws(ParleyException::class)
    public suspend fun message(messageId: String): ChatMessage = waiting { ChatMessage.of(native.message(messageId)) }

    /** The messages that the user may see, the newest first, fetched page by page as they are collected. */
    public fun messages(): Flow<ChatMessage> = flow {
        val pager = native.messages()
        while (true) {
            emit(ChatMessage.of(waiting { pager.next() } ?: return@flow))
        }
    }

    /** The members. */
    public fun participants(): Flow<ChatParticipant> = flow {
        val pager = native.participants()
        while (true) {
            emit(ChatParticipant.of(waiting { pager.next() } ?: return@flow))
        }
    }

    /** The last receipt of each participant who sent any. */
    public fun readReceipts(): Flow<ChatReadReceipt> = flow {
        val pager = native.readReceipts()
        while (true) {
            emit(ChatReadReceipt.of(waiting { pager.next() } ?: return@flow))
        }
    }

    /** Adds a user. */
    @JvmOverloads
    @Throws(ParleyException::class)
    public suspend fun addParticipant(userId: String, displayName: String = ""): Unit =
        waiting { native.addParticipant(userId, displayName) }

    /** Removes a user; the user's own id leaves the thread. */
    @Throws(ParleyException::class)
    public suspend fun removeParticipant(userId: String): Unit = waiting { native.removeParticipant(userId) }

    /** Tells the others that the user is typing; it counts for some seconds. */
    @Throws(ParleyException::class)
    public suspend fun sendTyping(): Unit = waiting { native.sendTyping() }

    /** Says that the user has read up to a message. */
    @Throws(ParleyException::class)
    public suspend fun sendReadReceipt(messageId: String): Unit = waiting { native.sendReadReceipt(messageId) }

    /** Stores an image in the thread, for [SendOptions.attachments]. */
    @JvmOverloads
    @Throws(ParleyException::class)
    public suspend fun uploadImage(image: ByteArray, name: String = ""): ChatAttachment = waiting {
        val a = native.uploadImage(image, name)
        ChatAttachment(text(a.id), text(a.name), a.image)
    }

    /** An image of the thread, or a preview of it. */
    @JvmOverloads
    @Throws(ParleyException::class)
    public suspend fun image(imageId: String, preview: Boolean = false): ByteArray =
        waiting { native.image(imageId, preview) ?: ByteArray(0) }
}
