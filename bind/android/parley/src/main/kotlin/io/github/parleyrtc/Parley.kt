package io.github.parleyrtc

import io.github.parleyrtc.mobile.CallAgentOptions as NativeAgentOptions
import io.github.parleyrtc.mobile.ChatOptions as NativeChatOptions
import io.github.parleyrtc.mobile.Client
import io.github.parleyrtc.mobile.ClientOptions
import io.github.parleyrtc.mobile.Mobile
import io.github.parleyrtc.mobile.PushDevice
import io.github.parleyrtc.mobile.TokenRefresher as NativeRefresher
import kotlinx.coroutines.runBlocking
import java.util.Collections
import java.util.concurrent.ConcurrentHashMap

/** Takes the library's log, on any thread. Lines hold no tokens and nothing that was written or said. */
public fun interface ParleyLog {
    /** Tells one line; [level] is one of the `Mobile.LogLevel…` constants. */
    public fun onLog(level: Int, line: String)
}

/**
 * What a [Parley] is made with.
 *
 * @property endpoint the service's address, `https://host:port`.
 * @property rootCertificates authorities in PEM form for a service with an authority of its own; empty: the system's.
 * @property allowPlainHttp lets [endpoint] be `http://…`, where everybody in between reads the tokens: for tests.
 * @property relayOnly sends all media through the service's relay, so that nobody sees this device's addresses.
 * @property audioBitrate target of the audio encoder in bit/s; zero: 40,000.
 * @property maxVideoBitrate bound of the video that a call sends in bit/s; zero: 2,500,000.
 * @property timeLimitMillis bounds every operation that waits for the service; zero: 45,000.
 * @property userAgent names the application in the service's log.
 * @property memoryLimit the bytes that the library's own half may use before it collects garbage at any price, for
 * the whole process; zero: 48 MiB; negative: as it is.
 * @property gcPercent how much that memory may grow between two collections, in percent, for the whole process;
 * zero: 50; negative: as it is.
 * @property log takes the library's log; null: silent.
 * @property listenerErrors takes what the application's listeners throw; null: it is dropped.
 */
public class ParleyOptions @JvmOverloads constructor(
    public val endpoint: String,
    public var rootCertificates: String = "",
    public var allowPlainHttp: Boolean = false,
    public var relayOnly: Boolean = false,
    public var audioBitrate: Int = 0,
    public var maxVideoBitrate: Int = 0,
    public var timeLimitMillis: Long = 0,
    public var userAgent: String = "",
    public var log: ParleyLog? = null,
    public var listenerErrors: ListenerErrorHandler? = null,
    public var memoryLimit: Long = 0,
    public var gcPercent: Int = 0,
)

/**
 * The entry object: it knows the service and makes call agents and chat
 * clients. Methods may be called from any thread; those that wait suspend.
 *
 *     Parley(ParleyOptions("https://chat.example.com")).use { parley ->
 *         val agent = parley.callAgent(Credential.of(token))
 *         val call = agent.startCall("8:acs:…")
 *         call.state.first { it is CallState.Connected }
 *         …
 *         call.hangUp()
 *     }
 *
 * @throws ParleyException.InvalidArgument for an endpoint or certificates that cannot be.
 */
public class Parley @Throws(ParleyException::class) constructor(options: ParleyOptions) : AutoCloseable {
    internal val callbacks = Callbacks(options.listenerErrors)

    // What is closed with this one: nobody is told by the library any more then.
    internal val parts: MutableSet<AutoCloseable> = Collections.newSetFromMap(ConcurrentHashMap())

    @Volatile private var closed = false
    internal val native: Client = native {
        Mobile.newClient(
            ClientOptions().apply {
                endpoint = options.endpoint
                rootCertificates = options.rootCertificates
                allowPlainHTTP = options.allowPlainHttp
                relayOnly = options.relayOnly
                audioBitrate = options.audioBitrate
                maxVideoBitrate = options.maxVideoBitrate
                timeLimit = options.timeLimitMillis
                userAgent = options.userAgent
                memoryLimit = options.memoryLimit
                gcPercent = options.gcPercent
                options.log?.let { log -> setLog { level, line -> callbacks.run { log.onLog(level, line) } } }
            },
        )
    }

    /** The phone's microphone and loudspeaker, as all calls of this client use them. */
    public val audio: Audio = Audio(native.audio())

    /**
     * Signs in, and returns once the service has welcomed the agent; from then on
     * it receives calls. The listener, if any, hears of calls first of all.
     *
     * @throws ParleyException.Unauthorized for a token that the service refuses.
     */
    @JvmOverloads
    @Throws(ParleyException::class)
    public suspend fun callAgent(
        credential: Credential,
        options: CallAgentOptions = CallAgentOptions(),
        listener: CallAgentListener? = null,
    ): CallAgent {
        val agent = CallAgent(this, listener)
        val canceler = newCanceler()
        waiting(canceler, { it.close() }) {
            val o = NativeAgentOptions()
            o.displayName = options.displayName
            o.deviceID = options.deviceId
            o.shareAddressEarly = options.shareAddressEarly
            o.canceler = canceler
            agent.signIn { heard -> native.newCallAgent(credential.native, o, heard) }
        }
        keep(agent)
        return agent
    }

    /**
     * Makes a chat client. It opens no connection: [ChatClient.start] does.
     *
     * @throws ParleyException.InvalidArgument for a position that cannot be read.
     */
    @JvmOverloads
    @Throws(ParleyException::class)
    public fun chatClient(
        credential: Credential,
        options: ChatOptions = ChatOptions(),
        listener: ChatListener? = null,
    ): ChatClient {
        val chat = ChatClient(this, listener)
        val o = NativeChatOptions()
        o.displayName = options.displayName
        o.deviceID = options.deviceId
        o.position = options.position
        chat.chat = native { native.newChatClient(credential.native, o, chat.heard, chat.heard) }
        keep(chat)
        return chat
    }

    /**
     * Makes a source of video that the application encodes.
     *
     * @throws ParleyException.InvalidArgument when the codec cannot be.
     */
    @JvmOverloads
    @Throws(ParleyException::class)
    public fun videoSource(codec: VideoCodec, listener: VideoSourceListener? = null): VideoSource =
        VideoSource(this, codec, listener)

    /** Says that the device's network has changed: connections are restored at once. */
    public fun networkChanged(): Unit = native.networkChanged()

    /** The user does not see the application any more: memory that is not needed is given back. Calls go on. */
    public fun enterBackground(): Unit = native.enterBackground()

    /**
     * The user sees the application again: connections that were lost meanwhile are
     * restored at once, and calls ask for a key frame of the other side's video.
     */
    public fun enterForeground(): Unit = native.enterForeground()

    /** The system is short of memory: what can be given back is. */
    public fun lowMemory(): Unit = native.lowMemory()

    /**
     * Tells the service how to wake this phone for the credential's user: after
     * each sign-in, and whenever FCM gives another token. [deviceId] is the
     * application's own, one for each installation.
     */
    @Throws(ParleyException::class)
    public suspend fun registerPush(credential: Credential, deviceId: String, token: String): Unit = waiting {
        val device = PushDevice()
        device.id = deviceId
        device.platform = Mobile.PushPlatformFCM
        device.token = token
        native.registerPush(credential.native, device)
    }

    /** Makes the service forget a phone, when the user signs out. */
    @Throws(ParleyException::class)
    public suspend fun unregisterPush(credential: Credential, deviceId: String): Unit =
        waiting { native.unregisterPush(credential.native, deviceId) }

    /** Hangs all calls up, signs out, tells listeners what is left to tell and closes. Not for listeners. */
    @Throws(ParleyException::class)
    public suspend fun shutdown() {
        waiting { native.shutdown() }
        close()
    }

    // Who comes while close goes over the others is closed here.
    private fun keep(part: AutoCloseable) {
        parts += part
        if (closed) part.close()
    }

    /** Ends everything at once and drops all listeners. It waits for nothing; again it does nothing. */
    override fun close() {
        closed = true
        native.close()
        parts.toList().forEach { it.close() }
    }
}

/** Gets tokens from the application's back end. */
public fun interface TokenRefresher {
    /**
     * Returns a token, or throws when there is none. It is called on a thread of
     * the library, which may wait, and never twice at a time.
     */
    @Throws(Exception::class)
    public suspend fun refreshToken(): String
}

/** Gives user access tokens to agents and chat clients; it may be given to several of the same user. */
public class Credential private constructor(internal val native: io.github.parleyrtc.mobile.Credential) : AutoCloseable {
    /** Drops the refresher: from then on there are no new tokens. */
    override fun close(): Unit = native.close()

    /** Makes credentials. */
    public companion object {
        /**
         * A credential of one token that is never replaced.
         *
         * @throws ParleyException.InvalidArgument for a text that is no token.
         */
        @JvmStatic
        @Throws(ParleyException::class)
        public fun of(token: String): Credential = Credential(native { Mobile.newCredential(token) })

        /**
         * A credential that asks for the next token before one ends, and when the
         * service refuses one. [initial] is one at hand, or empty. What the refresher
         * throws, the operation that needed the token throws.
         */
        @JvmStatic
        @JvmOverloads
        @Throws(ParleyException::class)
        public fun refreshing(initial: String = "", refresher: TokenRefresher): Credential =
            Credential(native { Mobile.newRefreshingCredential(initial, Refresh(refresher)) })
    }

    // This callback may throw exceptions; Go makes errors of them. Errors of the
    // virtual machine are made exceptions first.
    private class Refresh(private val refresher: TokenRefresher) : NativeRefresher {
        override fun refreshToken(): String =
            try {
                runBlocking { refresher.refreshToken() }
            } catch (e: Exception) {
                throw e
            } catch (e: Throwable) {
                throw IllegalStateException("the token refresher failed: $e")
            }
    }
}
