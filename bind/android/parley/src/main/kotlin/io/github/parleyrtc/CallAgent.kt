package io.github.parleyrtc

import io.github.parleyrtc.mobile.CallAgentListener as NativeListener
import io.github.parleyrtc.mobile.EndReason as NativeEndReason
import io.github.parleyrtc.mobile.Failure
import io.github.parleyrtc.mobile.IncomingCall as NativeIncomingCall
import io.github.parleyrtc.mobile.Mobile
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.getAndUpdate
import kotlinx.coroutines.flow.update
import java.util.Collections
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch

/**
 * One signed-in endpoint.
 *
 * @property displayName shown to those called.
 * @property deviceId tells this device from the user's other ones; keep it over restarts. Empty: a random one.
 * @property shareAddressEarly lets callers see this device's network addresses while it rings.
 */
public class CallAgentOptions @JvmOverloads constructor(
    public var displayName: String = "",
    public var deviceId: String = "",
    public var shareAddressEarly: Boolean = false,
)

/** The connection of an agent to the service. */
public sealed class ConnectionState {
    /** Calls come and go. */
    public data object Connected : ConnectionState()

    /**
     * The connection is being restored; calls go on.
     *
     * @property error why the connection was lost, if that is known.
     */
    public data class Reconnecting(val error: ParleyException?) : ConnectionState()

    /**
     * Final; with [ParleyException.Unauthorized] sign in anew.
     *
     * @property error why; null after [CallAgent.close].
     */
    public data class Disconnected(val error: ParleyException?) : ConnectionState()
}

/** What happens to an agent. */
public sealed class CallAgentEvent {
    /**
     * Somebody calls this user.
     *
     * @property call the call, to be accepted or rejected.
     */
    public data class Incoming(val call: IncomingCall) : CallAgentEvent()

    /**
     * A call rings here no more and was not taken here.
     *
     * @property call the call that rang.
     * @property reason 487/10003: another device took it; 487/0: the caller gave up; 487/10004: nobody answered.
     */
    public data class IncomingEnded(val call: IncomingCall, val reason: EndReason) : CallAgentEvent()

    /**
     * The connection was lost, came back or is over.
     *
     * @property state where the connection stands now.
     */
    public data class ConnectionChanged(val state: ConnectionState) : CallAgentEvent()
}

/** Hears what happens to an agent, in order, on a thread of the library. */
public fun interface CallAgentListener {
    /** It may call any method but [Parley.shutdown] and [CallAgent.shutdown]; what it throws goes to [ParleyOptions.listenerErrors]. */
    public fun onCallAgentEvent(agent: CallAgent, event: CallAgentEvent)
}

/** A signed-in endpoint: it receives and places calls. */
public class CallAgent internal constructor(internal val parley: Parley, listener: CallAgentListener?) : AutoCloseable {
    private val told = Events<CallAgentEvent>()
    private val connectionNow = MutableStateFlow<ConnectionState>(ConnectionState.Connected)
    private val ringing = MutableStateFlow<List<IncomingCall>>(emptyList())
    private val live: MutableSet<Call> = Collections.newSetFromMap(ConcurrentHashMap())
    @Volatile private lateinit var agent: io.github.parleyrtc.mobile.CallAgent

    // The library may tell something before signing in has returned here.
    private val signedIn = CountDownLatch(1)

    /** The calls that ring here, oldest first. */
    public val incomingCalls: StateFlow<List<IncomingCall>> = ringing.asStateFlow()

    /** Where the connection to the service stands. */
    public val connectionState: StateFlow<ConnectionState> = connectionNow.asStateFlow()

    /** What happens, from when it is collected on; a slow collector holds the library up. */
    public val events: Flow<CallAgentEvent> get() = told.flow

    /** The raw id of who is signed in, `8:acs:…`. */
    public val identifier: String get() = agent.identifier()

    internal val heard = object : NativeListener {
        private fun hear(block: () -> Unit) = parley.callbacks.run {
            signedIn.await()
            if (this@CallAgent::agent.isInitialized) block()
        }

        override fun onIncomingCall(call: NativeIncomingCall) = hear {
            val incoming = IncomingCall(this@CallAgent, call)
            ringing.update { it + incoming }
            tell(CallAgentEvent.Incoming(incoming))
        }

        override fun onIncomingCallEnded(call: NativeIncomingCall, reason: NativeEndReason) = hear {
            val id = call.id()
            val known = ringing.value.find { it.id == id } ?: IncomingCall(this@CallAgent, call)
            ringEnded(known)
            tell(CallAgentEvent.IncomingEnded(known, EndReason.of(reason)))
        }

        override fun onConnectionStateChanged(state: Int, failure: Failure?) = hear {
            val error = failure?.let { ParleyException.of(it) }
            val now = when (state) {
                Mobile.ConnectionStateConnected -> ConnectionState.Connected
                Mobile.ConnectionStateReconnecting -> ConnectionState.Reconnecting(error)
                else -> ConnectionState.Disconnected(error)
            }
            // What was on its way when the agent was closed does not bring it back.
            if (connectionNow.getAndUpdate { it as? ConnectionState.Disconnected ?: now } !is ConnectionState.Disconnected) {
                tell(CallAgentEvent.ConnectionChanged(now))
            }
        }

        private fun tell(event: CallAgentEvent) {
            parley.callbacks.run { listener?.onCallAgentEvent(this@CallAgent, event) }
            told.emit(event)
        }
    }

    /** Signs in, and lets events pass whether that succeeds or not. */
    internal fun signIn(connect: (NativeListener) -> io.github.parleyrtc.mobile.CallAgent): io.github.parleyrtc.mobile.CallAgent =
        try {
            connect(heard).also { agent = it }
        } finally {
            signedIn.countDown()
        }

    internal fun callEnded(call: Call) {
        live -= call
    }

    internal fun ringEnded(call: IncomingCall) = ringing.update { it - call }

    /**
     * Calls a user, a raw id `8:acs:…`, and returns when the service has taken the
     * call. A call of this agent that is active is put on hold first. Cancelling
     * the coroutine abandons the call.
     *
     * @throws ParleyException.CallFailed for a call that the service refuses.
     */
    @JvmOverloads
    @Throws(ParleyException::class)
    public suspend fun startCall(
        target: String,
        options: CallOptions = CallOptions(),
        listener: CallListener? = null,
    ): Call = begin(options, listener) { o, l -> agent.startCall(target, o, l) }

    /**
     * Waits for the call that a push has told of, so many milliseconds.
     *
     * @throws ParleyException.Timeout when it does not come: the caller has hung up.
     */
    @Throws(ParleyException::class)
    public suspend fun awaitIncomingCall(callId: String, timeoutMillis: Long): IncomingCall {
        val found = waiting { agent.awaitIncomingCall(callId, timeoutMillis) }
        return ringing.value.find { it.id == callId } ?: IncomingCall(this, found)
    }

    internal suspend fun begin(
        options: CallOptions,
        listener: CallListener?,
        connect: (io.github.parleyrtc.mobile.CallOptions, io.github.parleyrtc.mobile.CallListener) -> io.github.parleyrtc.mobile.Call,
    ): Call {
        val call = Call(this, listener)
        val canceler = newCanceler()
        live += call
        try {
            val made = waiting(canceler, { call.abandon(it) }) { connect(call.options(options, canceler), call.heard) }
            call.bind(made)
        } catch (e: Throwable) {
            live -= call
            throw e
        }
        if (connectionNow.value is ConnectionState.Disconnected) call.cut()
        return call
    }

    /** Hangs all calls up, signs out, tells the listener what is left to tell and closes. Not for listeners. */
    @Throws(ParleyException::class)
    public suspend fun shutdown() {
        waiting { agent.shutdown() }
        close()
    }

    /** Ends all calls and signs out at once, and drops the listeners. It waits for nothing; again it does nothing. */
    override fun close() {
        agent.close()
        parley.parts -= this
        told.close()
        ringing.value = emptyList()
        connectionNow.update { it as? ConnectionState.Disconnected ?: ConnectionState.Disconnected(null) }
        live.toList().forEach { it.cut() }
    }
}

/** A call that rings here. It is over when it was accepted, rejected, or gone from [CallAgent.incomingCalls]. */
public class IncomingCall internal constructor(private val agent: CallAgent, private val native: NativeIncomingCall) {
    /** The call's identifier, a UUID; the accepted [Call] has the same. */
    public val id: String = native.id()

    /** The raw id of who calls. */
    public val callerId: String = native.callerID()

    /** The name that the caller gave, or nothing. */
    public val callerDisplayName: String = native.callerDisplayName()

    /** Whether the caller starts with video. */
    public val hasVideo: Boolean = native.hasVideo()

    /**
     * Takes the call, and returns when the service has confirmed that this device has it.
     *
     * @throws ParleyException.CallFailed when another device was faster (487/10003) or the caller gave up (487/0).
     */
    @JvmOverloads
    @Throws(ParleyException::class)
    public suspend fun accept(options: CallOptions = CallOptions(), listener: CallListener? = null): Call {
        val call = agent.begin(options, listener) { o, l -> native.accept(o, l) }
        agent.ringEnded(this)
        return call
    }

    /** Refuses the call on this device; [busy] tells the caller 486 instead of 603. */
    @JvmOverloads
    @Throws(ParleyException::class)
    public suspend fun reject(busy: Boolean = false) {
        waiting { native.reject(busy) }
        agent.ringEnded(this)
    }
}
