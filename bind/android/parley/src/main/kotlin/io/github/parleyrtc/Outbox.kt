package io.github.parleyrtc

import io.github.parleyrtc.mobile.OutboxMessage as NativeOutboxMessage

/**
 * A message that waits, or waited, in an outbox; [addedOn] in milliseconds since 1970.
 *
 * @property clientId names the message, for [Outbox.remove].
 * @property threadId where it goes.
 * @property content what was written.
 * @property isHtml whether the content has marks of HTML.
 * @property addedOn when it was added, in milliseconds since 1970.
 */
public data class OutboxMessage(val clientId: String, val threadId: String, val content: String, val isHtml: Boolean, val addedOn: Long) {
    internal companion object {
        fun of(m: NativeOutboxMessage): OutboxMessage =
            OutboxMessage(text(m.clientID), text(m.threadID), text(m.content), m.html, m.addedOn)
    }
}

/** Hears what became of messages, in order, on a thread of the library. */
public interface OutboxListener {
    /** A message was sent; [messageId] is the service's id. */
    public fun onSent(message: OutboxMessage, messageId: String)

    /** The service will never take the message; it is in the outbox no more. */
    public fun onSendFailed(message: OutboxMessage, error: ParleyException)
}

/** Keeps messages in a file until they are sent, over restarts and times without a network. */
public class Outbox internal constructor(private val native: io.github.parleyrtc.mobile.Outbox) : AutoCloseable {
    /** Puts a message in; when it has returned the message survives a restart. Attachments are not taken. */
    @JvmOverloads
    @Throws(ParleyException::class)
    public suspend fun add(threadId: String, content: String, options: SendOptions = SendOptions()): OutboxMessage =
        OutboxMessage.of(waiting { native.add(threadId, content, options.native()) })

    /** Gives a message up. It may be on its way. */
    @Throws(ParleyException::class)
    public suspend fun remove(clientId: String): Unit = waiting { native.remove(clientId) }

    /** The messages that were not sent yet, those of a thread in order. */
    public fun waiting(): List<OutboxMessage> {
        val list = native.waiting()
        return (0 until list.len()).mapNotNull { i -> list.at(i)?.let { OutboxMessage.of(it) } }
    }

    /** Tries again at once what is waiting after a failure. */
    public fun retry(): Unit = native.retry()

    /** Ends sending at once; what waits stays in the file. */
    override fun close(): Unit = native.close()
}
