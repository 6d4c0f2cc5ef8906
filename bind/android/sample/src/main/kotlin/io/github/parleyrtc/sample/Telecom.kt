package io.github.parleyrtc.sample

import android.content.ComponentName
import android.content.Context
import android.net.Uri
import android.os.Bundle
import android.telecom.CallAudioState
import android.telecom.Connection
import android.telecom.ConnectionRequest
import android.telecom.ConnectionService
import android.telecom.DisconnectCause
import android.telecom.PhoneAccount
import android.telecom.PhoneAccountHandle
import android.telecom.TelecomManager
import io.github.parleyrtc.Call
import io.github.parleyrtc.CallState
import io.github.parleyrtc.EndReason
import io.github.parleyrtc.IncomingCall
import java.util.concurrent.ConcurrentHashMap
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.launch

/** The system's list of calls: headsets, cars and other calls then know of ours. */
object Telecom {
    private const val ID = "io.github.parleyrtc.sample.CALL"
    private const val SCHEME = "parley"

    // Calls that the system was told of and has not asked for yet.
    private val ringing = ConcurrentHashMap<String, IncomingCall>()
    private val placed = ConcurrentHashMap<String, Call>()
    private val connections = ConcurrentHashMap<String, CallConnection>()

    private fun handle(context: Context) = PhoneAccountHandle(ComponentName(context, CallConnectionService::class.java), "parley")

    private fun manager(context: Context) = context.getSystemService(Context.TELECOM_SERVICE) as TelecomManager

    private fun address(id: String) = Uri.fromParts(SCHEME, id, null)

    fun register(context: Context) = manager(context).registerPhoneAccount(
        PhoneAccount.builder(handle(context), "Parley")
            .setCapabilities(PhoneAccount.CAPABILITY_SELF_MANAGED)
            .addSupportedUriScheme(SCHEME)
            .build(),
    )

    /** Lets the system announce a call; it then asks [CallConnectionService] for it. */
    fun ring(context: Context, call: IncomingCall) {
        ringing[call.id] = call
        manager(context).addNewIncomingCall(
            handle(context),
            Bundle().apply {
                putParcelable(TelecomManager.EXTRA_INCOMING_CALL_ADDRESS, address(call.callerId))
                putString(ID, call.id)
            },
        )
    }

    /** The system's word for why a call rings no more; 10003: another device of the user has it. */
    fun cause(reason: EndReason): Int = if (reason.subcode == 10003) DisconnectCause.ANSWERED_ELSEWHERE else DisconnectCause.MISSED

    fun stopRinging(context: Context, call: IncomingCall, cause: Int) {
        ringing.remove(call.id)
        Notices.stopRinging(context)
        connections.remove(call.id)?.end(cause)
    }

    /** Whether the system has room for a call: not during an emergency call, for example. */
    fun mayCall(context: Context): Boolean = manager(context).isOutgoingCallPermitted(handle(context))

    /** Ties a call to what the system shows of it, until it ends. */
    fun began(context: Context, call: Call, with: String) {
        val known = connections[call.id]
        if (known != null) {
            follow(context.session, call, known)
            return
        }
        placed[call.id] = call
        manager(context).placeCall(
            address(with),
            Bundle().apply {
                putParcelable(TelecomManager.EXTRA_PHONE_ACCOUNT_HANDLE, handle(context))
                putBundle(TelecomManager.EXTRA_OUTGOING_CALL_EXTRAS, Bundle().apply { putString(ID, call.id) })
            },
        )
    }

    private fun follow(session: Session, call: Call, connection: CallConnection) {
        connection.call = call
        session.scope.launch {
            call.state.onEach { state ->
                when (state) {
                    is CallState.Ringing -> connection.setDialing()
                    is CallState.Connected -> connection.setActive()
                    is CallState.LocalHold -> connection.setOnHold()
                    else -> Unit
                }
            }.first { it is CallState.Disconnected }
            connections.remove(call.id)?.end(DisconnectCause.REMOTE)
        }
    }

    /** What the system shows of a call, for its loudspeaker and headsets. */
    fun connection(call: Call): CallConnection? = connections[call.id]

    internal fun incoming(context: Context, request: ConnectionRequest): Connection {
        val call = request.extras?.getString(ID)?.let { ringing.remove(it) }
            ?: return Connection.createFailedConnection(DisconnectCause(DisconnectCause.MISSED))
        return CallConnection(context.session, call).also {
            connections[call.id] = it
            it.setAddress(request.address, TelecomManager.PRESENTATION_ALLOWED)
            it.setCallerDisplayName(call.callerDisplayName, TelecomManager.PRESENTATION_ALLOWED)
            it.setRinging()
        }
    }

    internal fun outgoing(context: Context, request: ConnectionRequest): Connection {
        val call = request.extras?.getString(ID)?.let { placed.remove(it) }
            ?: return Connection.createFailedConnection(DisconnectCause(DisconnectCause.CANCELED))
        return CallConnection(context.session, null).also {
            connections[call.id] = it
            it.setAddress(request.address, TelecomManager.PRESENTATION_ALLOWED)
            it.setDialing()
            follow(context.session, call, it)
        }
    }

    /** The system does not have the call, because of another one that cannot be held perhaps. */
    internal fun refused(context: Context, request: ConnectionRequest?) {
        val id = request?.extras?.getString(ID) ?: return
        val rang = ringing.remove(id)
        val call = placed.remove(id)
        context.session.attempt {
            rang?.reject(busy = true)
            call?.hangUp()
        }
    }
}

/** What the system asks for calls. */
class CallConnectionService : ConnectionService() {
    override fun onCreateIncomingConnection(account: PhoneAccountHandle?, request: ConnectionRequest): Connection =
        Telecom.incoming(applicationContext, request)

    override fun onCreateIncomingConnectionFailed(account: PhoneAccountHandle?, request: ConnectionRequest?) =
        Telecom.refused(applicationContext, request)

    override fun onCreateOutgoingConnection(account: PhoneAccountHandle?, request: ConnectionRequest): Connection =
        Telecom.outgoing(applicationContext, request)

    override fun onCreateOutgoingConnectionFailed(account: PhoneAccountHandle?, request: ConnectionRequest?) =
        Telecom.refused(applicationContext, request)

    // Another application's call is the active one; ours was told to hold.
    override fun onConnectionServiceFocusLost() = connectionServiceFocusReleased()
}

/** One call as the system sees it; buttons of headsets end here. */
class CallConnection(private val session: Session, private val incoming: IncomingCall?) : Connection() {
    @Volatile var call: Call? = null

    private val heardOn = MutableStateFlow<CallAudioState?>(null)

    /** Where the call is heard, and where else it could be. */
    val audio = heardOn.asStateFlow()

    init {
        connectionProperties = PROPERTY_SELF_MANAGED
        connectionCapabilities = CAPABILITY_HOLD or CAPABILITY_SUPPORT_HOLD or CAPABILITY_MUTE
        audioModeIsVoip = true
    }

    override fun onShowIncomingCallUi() {
        incoming?.let { Notices.ring(session.context, it) }
    }

    override fun onAnswer() = attempt { session.accept(incoming ?: return@attempt) }

    override fun onReject() = attempt { session.reject(incoming ?: return@attempt) }

    override fun onDisconnect() = attempt { call?.hangUp() }

    // Another call, of the telephone perhaps, was taken: ours waits.
    override fun onHold() = attempt { call?.hold() }

    override fun onUnhold() = attempt { call?.resume() }

    @Deprecated("its successor needs Android 14")
    override fun onCallAudioStateChanged(state: CallAudioState) {
        heardOn.value = state
    }

    /** Goes on to the next of earpiece or headset, Bluetooth and loudspeaker that there is. */
    fun nextRoute() {
        val now = heardOn.value ?: return
        val routes = listOf(
            CallAudioState.ROUTE_EARPIECE, CallAudioState.ROUTE_WIRED_HEADSET, CallAudioState.ROUTE_BLUETOOTH, CallAudioState.ROUTE_SPEAKER,
        ).filter { now.supportedRouteMask and it != 0 }
        if (routes.isEmpty()) return
        @Suppress("DEPRECATION") // its successor needs Android 14
        setAudioRoute(routes[(routes.indexOf(now.route) + 1) % routes.size])
    }

    // That it fails because the call has ended meanwhile, the call's state tells.
    private fun attempt(operation: suspend () -> Unit) = session.attempt(operation)

    fun end(cause: Int) {
        setDisconnected(DisconnectCause(cause))
        destroy()
    }
}
