package io.github.parleyrtc

import io.github.parleyrtc.mobile.Mobile

/** What a push tells of. Anybody may have sent it: it is a reason to look, no proof. */
public sealed class Push {
    /**
     * Somebody calls: sign in, and wait with [CallAgent.awaitIncomingCall].
     *
     * @property callId the call, for [CallAgent.awaitIncomingCall].
     * @property fromId the raw id of who calls.
     * @property displayName the name that goes with it, or nothing.
     * @property hasVideo whether the call begins with video.
     */
    public data class Call(val callId: String, val fromId: String, val displayName: String, val hasVideo: Boolean) : Push()

    /**
     * A message to fetch; [text] is its beginning when the service sends it.
     *
     * @property threadId where.
     * @property messageId the message.
     * @property senderId the raw id of who wrote it.
     * @property senderDisplayName the name that goes with it, or nothing.
     * @property text the beginning of the message, or nothing.
     */
    public data class Chat(
        val threadId: String,
        val messageId: String,
        val senderId: String,
        val senderDisplayName: String,
        val text: String,
    ) : Push()

    /** A kind that this version does not know. */
    public data object Other : Push()

    /** Reads pushes. */
    public companion object {
        /**
         * Reads the data of a message of FCM, as its map or as JSON.
         *
         * @throws ParleyException.InvalidArgument for what is none of the service's.
         */
        @JvmStatic
        @Throws(ParleyException::class)
        public fun parse(data: Map<String, String>): Push =
            parse(data.entries.joinToString(",", "{", "}") { "${quoted(it.key)}:${quoted(it.value)}" })

        /** Reads a push as JSON. */
        @JvmStatic
        @Throws(ParleyException::class)
        public fun parse(json: String): Push {
            val p = native { Mobile.parsePush(json) }
            return when (p.kind) {
                Mobile.PushKindCall -> Call(text(p.callID), text(p.fromID), text(p.displayName), p.video)
                Mobile.PushKindChat ->
                    Chat(text(p.threadID), text(p.messageID), text(p.senderID), text(p.senderDisplayName), text(p.text))
                else -> Other
            }
        }

        private fun quoted(value: String): String = buildString {
            append('"')
            for (c in value) {
                when {
                    c == '"' || c == '\\' -> append('\\').append(c)
                    c < ' ' -> append("\\u%04x".format(c.code))
                    else -> append(c)
                }
            }
            append('"')
        }
    }
}
