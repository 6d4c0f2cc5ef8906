package io.github.parleyrtc.sample

import android.content.ComponentName
import android.content.Context
import android.net.Uri
import android.os.Bundle
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
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.launch

/** The system's list of calls: headsets, cars and other calls then know of ours. */
object Telecom {
    private val ringing = ConcurrentHashMap<String, IncomingCall>()
    private val connections = ConcurrentHashMap<String, CallConnection>()
    private const val ID = "io.github.parleyrtc.sample.CALL"

    private fun handle(context: Context) = PhoneAccountHandle(ComponentName(context, CallConnectionService::class.java), "parley")

    private fun manager(context: Context) = context.getSystemService(Context.TELECOM_SERVICE) as TelecomManager

    fun register(context: Context) = manager(context).registerPhoneAccount(
        PhoneAccount.builder(handle(context), "Parley").setCapabilities(PhoneAccount.CAPABILITY_SELF_MANAGED).build(),
    )

    /** Lets the system announce a call; it then asks [CallConnectionService] for it. */
    fun ring(context: Context, call: IncomingCall) {
        ringing[call.id] = call
        manager(context).addNewIncomingCall(
            handle(context),
            Bundle().apply {
                putParcelable(TelecomManager.EXTRA_INCOMING_CALL_ADDRESS, Uri.fromParts("parley", call.callerId, null))
                putString(ID, call.id)
            },
        )
    }

    fun stopRinging(call: IncomingCall, reason: EndReason) {
        ringing.remove(call.id)
        // 10003: another device of the user has it.
        val cause = if (reason.subcode == 10003) DisconnectCause.ANSWERED_ELSEWHERE else DisconnectCause.MISSED
        connections.remove(call.id)?.end(cause)
    }

    /** Ties a call to what the system shows of it, until it ends. */
    fun began(context: Context, call: Call, with: String) {
        if (!call.isIncoming) connections[call.id] = CallConnection(context.session, null).apply { setAddress(address(with), TelecomManager.PRESENTATION_ALLOWED) }
        val connection = connections[call.id] ?: return
        connection.call = call
        context.session.scope.launch {
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

    private fun address(id: String) = Uri.fromParts("parley", id, null)

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
}

/** What the system asks for calls. */
class CallConnectionService : ConnectionService() {
    override fun onCreateIncomingConnection(account: PhoneAccountHandle?, request: ConnectionRequest): Connection =
        Telecom.incoming(applicationContext, request)
}

/** One call as the system sees it; buttons of headsets end here. */
class CallConnection(private val session: Session, private val incoming: IncomingCall?) : Connection() {
    @Volatile var call: Call? = null

    init {
        connectionProperties = PROPERTY_SELF_MANAGED
        connectionCapabilities = CAPABILITY_HOLD or CAPABILITY_SUPPORT_HOLD or CAPABILITY_MUTE
        audioModeIsVoip = true
    }

    override fun onShowIncomingCallUi() = CallActivity.show(session, incoming)

    override fun onAnswer() {
        val ringing = incoming ?: return
        session.scope.launch {
            try {
                session.accept(ringing)
                setActive()
            } catch (e: Exception) {
                end(DisconnectCause.ERROR)
            }
        }
    }

    override fun onReject() {
        session.scope.launch {
            try {
                incoming?.reject()
            } finally {
                end(DisconnectCause.REJECTED)
            }
        }
    }

    override fun onDisconnect() = with { it.hangUp() }

    // Another call, of the telephone perhaps, was taken: ours waits.
    override fun onHold() = with { it.hold() }

    override fun onUnhold() = with { it.resume() }

    private fun with(operation: suspend (Call) -> Unit) {
        val now = call ?: return
        session.scope.launch {
            try {
                operation(now)
            } catch (e: Exception) {
                // The call has ended meanwhile, which its state tells.
            }
        }
    }

    fun end(cause: Int) {
        setDisconnected(DisconnectCause(cause))
        destroy()
    }
}
