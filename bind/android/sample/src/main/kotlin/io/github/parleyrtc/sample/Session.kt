package io.github.parleyrtc.sample

import android.app.Activity
import android.app.Application
import android.content.ComponentCallbacks2
import android.content.Context
import android.os.Bundle
import android.telecom.DisconnectCause
import android.util.Log
import io.github.parleyrtc.Call
import io.github.parleyrtc.CallAgent
import io.github.parleyrtc.CallAgentEvent
import io.github.parleyrtc.CallAgentOptions
import io.github.parleyrtc.CallOptions
import io.github.parleyrtc.ChatClient
import io.github.parleyrtc.ChatOptions
import io.github.parleyrtc.Credential
import io.github.parleyrtc.IncomingCall
import io.github.parleyrtc.Outbox
import io.github.parleyrtc.Parley
import io.github.parleyrtc.ParleyException
import io.github.parleyrtc.ParleyOptions
import io.github.parleyrtc.android.AudioDevice
import io.github.parleyrtc.android.NetworkWatcher
import java.io.File
import java.util.UUID
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** What the user entered; a real application asks its own back end for tokens. */
data class Account(val endpoint: String, val certificates: String, val token: String)

/** The signed-in user, for all parts of the application. */
class Session(private val application: Application) {
    /** The application, for its notifications. */
    val context: Context get() = application
    val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val kept = application.getSharedPreferences("session", Context.MODE_PRIVATE)
    private val signingIn = Mutex()
    private val signedIn = MutableStateFlow<User?>(null)

    /** Who is signed in. */
    val user = signedIn.asStateFlow()

    class User(
        val parley: Parley,
        val credential: Credential,
        val agent: CallAgent,
        val chat: ChatClient,
        // What is written without a network is sent later.
        val outbox: Outbox,
        val network: NetworkWatcher,
    )

    var account: Account?
        get() {
            val endpoint = kept.getString("endpoint", null) ?: return null
            return Account(endpoint, kept.getString("certificates", "") ?: "", kept.getString("token", "") ?: "")
        }
        set(value) {
            kept.edit().putString("endpoint", value?.endpoint).putString("certificates", value?.certificates)
                .putString("token", value?.token).apply()
        }

    /** What FCM names this installation by; registered at each sign-in. */
    var pushToken: String
        get() = kept.getString("push", "") ?: ""
        set(value) = kept.edit().putString("push", value).apply()

    // Names this installation.
    private val deviceId: String
        get() = kept.getString("device", null) ?: UUID.randomUUID().toString().also { kept.edit().putString("device", it).apply() }

    /** Signs in with what was entered, once; also after a push has woken the application. */
    suspend fun signIn(): User = signingIn.withLock {
        signedIn.value?.let {
            registerPush(it)
            return it
        }
        val account = checkNotNull(account) { "nobody has signed in on this phone" }
        val parley = Parley(ParleyOptions(account.endpoint, rootCertificates = account.certificates))
        try {
            val credential = Credential.of(account.token)
            val agent = parley.callAgent(credential, CallAgentOptions(deviceId = deviceId)) { _, event -> onAgentEvent(event) }
            val chat = parley.chatClient(credential, ChatOptions(deviceId = deviceId, position = kept.getString("position", "") ?: ""))
            chat.start()
            val outbox = chat.openOutbox(File(application.filesDir, "outbox").path)
            val user = User(parley, credential, agent, chat, outbox, NetworkWatcher(application, parley))
            signedIn.value = user
            registerPush(user)
            return user
        } catch (e: Exception) {
            parley.close()
            throw e
        }
    }

    // A phone that cannot be woken still calls and is called while it is awake.
    private suspend fun registerPush(user: User) {
        val token = pushToken
        if (token == registered || token.isEmpty()) return
        try {
            user.parley.registerPush(user.credential, deviceId, token)
            registered = token
        } catch (e: ParleyException) {
            Log.w("Parley", "push: ${e.message}")
        }
    }

    private var registered = ""

    /** Does what may fail because it has come too late, and for which there is no screen. */
    fun attempt(operation: suspend () -> Unit) {
        scope.launch {
            try {
                operation()
            } catch (e: Exception) {
                Log.w("Parley", "${e.message}")
            }
        }
    }

    /** Signs out and forgets the account. */
    suspend fun signOut() {
        val user = signedIn.value ?: return
        signedIn.value = null
        account = null
        registered = ""
        user.network.close()
        user.parley.use {
            try {
                it.unregisterPush(user.credential, deviceId)
            } catch (e: ParleyException) {
                Log.w("Parley", "push: ${e.message}")
            }
            it.shutdown()
        }
    }

    /** Keeps up to where chat was told, for the next start of the application. */
    fun keepPosition() {
        val chat = signedIn.value?.chat ?: return
        kept.edit().putString("position", chat.position).apply()
    }

    private fun onAgentEvent(event: CallAgentEvent) {
        when (event) {
            is CallAgentEvent.Incoming -> Telecom.ring(application, event.call)
            is CallAgentEvent.IncomingEnded -> Telecom.stopRinging(application, event.call, Telecom.cause(event.reason))
            is CallAgentEvent.ConnectionChanged -> Unit
        }
    }

    /** Calls somebody. */
    suspend fun call(target: String): Call {
        check(Telecom.mayCall(application)) { "the phone has another call" }
        val call = signIn().agent.startCall(target, CallOptions(video = video))
        begun(call, target)
        return call
    }

    /** Takes a call that rings. */
    suspend fun accept(incoming: IncomingCall): Call {
        Notices.stopRinging(application)
        val call = try {
            incoming.accept(CallOptions(video = video))
        } catch (e: ParleyException) {
            val cause = (e as? ParleyException.CallFailed)?.let { Telecom.cause(it.reason) } ?: DisconnectCause.ERROR
            Telecom.stopRinging(application, incoming, cause)
            throw e
        }
        begun(call, incoming.callerId)
        return call
    }

    /** Refuses a call that rings. */
    suspend fun reject(incoming: IncomingCall) {
        try {
            incoming.reject()
        } finally {
            Telecom.stopRinging(application, incoming, DisconnectCause.REJECTED)
        }
    }

    /** Where the other side's picture is shown. */
    val video = Picture()

    private val current = MutableStateFlow<Call?>(null)

    /** The call that the user is in. */
    val call = current.asStateFlow()

    private fun begun(call: Call, with: String) {
        current.value = call
        Telecom.began(application, call, with)
        OngoingCallService.start(application)
        val audio = AudioDevice(application, checkNotNull(user.value).parley.audio, telecom = true)
        scope.launch {
            audio.start()
            try {
                call.awaitEnd()
            } finally {
                audio.close()
                if (current.value == call) current.value = null
                OngoingCallService.stop(application)
            }
        }
    }
}

/** Holds the session, and tells the library what the system tells the application. */
class SampleApplication : Application(), Application.ActivityLifecycleCallbacks {
    val session by lazy { Session(this) }
    private var visible = 0

    override fun onCreate() {
        super.onCreate()
        Telecom.register(this)
        registerActivityLifecycleCallbacks(this)
    }

    override fun onTrimMemory(level: Int) {
        super.onTrimMemory(level)
        if (level >= ComponentCallbacks2.TRIM_MEMORY_RUNNING_LOW) session.user.value?.parley?.lowMemory()
    }

    override fun onActivityStarted(activity: Activity) {
        if (visible++ == 0) session.user.value?.parley?.enterForeground()
    }

    override fun onActivityStopped(activity: Activity) {
        if (--visible == 0) {
            session.keepPosition()
            session.user.value?.parley?.enterBackground()
        }
    }

    override fun onActivityCreated(activity: Activity, state: Bundle?) = Unit
    override fun onActivityResumed(activity: Activity) = Unit
    override fun onActivityPaused(activity: Activity) = Unit
    override fun onActivitySaveInstanceState(activity: Activity, state: Bundle) = Unit
    override fun onActivityDestroyed(activity: Activity) = Unit
}

/** The session of the application that a part of it belongs to. */
val Context.session: Session get() = (applicationContext as SampleApplication).session
