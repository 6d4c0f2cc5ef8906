package io.github.parleyrtc.sample

import android.app.Activity
import android.app.Application
import android.content.ComponentCallbacks2
import android.content.Context
import android.net.Uri
import android.os.Bundle
import android.telecom.DisconnectCause
import android.util.Log
import io.github.parleyrtc.Call
import io.github.parleyrtc.CallAgent
import io.github.parleyrtc.CallAgentEvent
import io.github.parleyrtc.CallAgentOptions
import io.github.parleyrtc.CallOptions
import io.github.parleyrtc.ChatClient
import io.github.parleyrtc.ChatConnection
import io.github.parleyrtc.ChatOptions
import io.github.parleyrtc.ConnectionState
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

    /** What a sign-in makes. */
    inner class User(val account: Account, val parley: Parley, val credential: Credential) {
        lateinit var agent: CallAgent
            private set

        // What is kept on the phone is this user's, and not of whoever signs in next.
        private val name by lazy { Uri.encode(agent.identifier) }
        private val outboxFile get() = File(application.filesDir, "outbox $name")
        private var network: NetworkWatcher? = null
        private var closed = false

        val chat: ChatClient by lazy {
            parley.chatClient(credential, ChatOptions(deviceId = deviceId, position = kept.getString("position $name", "") ?: ""))
        }

        /** What is written without a network is sent later. */
        val outbox: Outbox by lazy { chat.openOutbox(outboxFile.path) }

        /** Shows the user to the application, once. */
        @Synchronized
        fun publish(agent: CallAgent) {
            if (network != null || closed) return
            this.agent = agent
            network = NetworkWatcher(application, parley)
            signedIn.value = this
        }

        /** Begins to hear of messages and sends what waits; when it fails the next sign-in tries again. */
        fun startChat() = attempt {
            if (chat.connection.value is ChatConnection.NotStarted) chat.start()
            outbox.retry()
        }

        fun keepPosition() = kept.edit().putString("position $name", chat.position).apply()

        /** Ends everything, and waits for nothing. */
        @Synchronized
        fun close() {
            closed = true
            network?.close()
            parley.close()
        }

        /** Leaves nothing of the user's on the phone. */
        fun forget() {
            kept.edit().remove("position $name").apply()
            outboxFile.delete()
        }
    }

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
        val account = checkNotNull(account) { "nobody has signed in on this phone" }
        signedIn.value?.let { if (it.account != account) leave(it) }
        val user = signedIn.value ?: connect(account)
        user.startChat()
        registerPush(user)
        return user
    }

    // A call may ring before callAgent has returned, and chat may take its time or
    // fail: whoever is told of the call finds the user.
    private suspend fun connect(account: Account): User {
        val credential = Credential.of(account.token)
        val user = User(account, Parley(ParleyOptions(account.endpoint, rootCertificates = account.certificates)), credential)
        try {
            val agent = user.parley.callAgent(credential, CallAgentOptions(deviceId = deviceId)) { agent, event ->
                user.publish(agent)
                onAgentEvent(user, event)
            }
            user.publish(agent)
            return user
        } catch (e: Throwable) {
            drop(user)
            throw e
        }
    }

    private fun drop(user: User) {
        signedIn.compareAndSet(user, null)
        user.close()
    }

    // A phone that cannot be woken still calls and is called while it is awake.
    private suspend fun registerPush(user: User) {
        val token = pushToken
        if (registered == user to token || token.isEmpty()) return
        try {
            user.parley.registerPush(user.credential, deviceId, token)
            registered = user to token
        } catch (e: ParleyException) {
            Log.w("Parley", "push: ${e.message}")
        }
    }

    private var registered: Pair<User, String>? = null

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

    /** Signs out and forgets the account, and what is kept for it. */
    suspend fun signOut() = signingIn.withLock {
        account = null
        val user = signedIn.value ?: return
        leave(user)
        user.forget()
    }

    private suspend fun leave(user: User) {
        signedIn.compareAndSet(user, null)
        val steps = listOf<suspend () -> Unit>({ user.parley.unregisterPush(user.credential, deviceId) }, { user.parley.shutdown() })
        try {
            for (step in steps) {
                try {
                    step()
                } catch (e: ParleyException) {
                    Log.w("Parley", "signing out: ${e.message}")
                }
            }
        } finally {
            user.close()
        }
    }

    private fun onAgentEvent(user: User, event: CallAgentEvent) {
        when (event) {
            is CallAgentEvent.Incoming -> Telecom.ring(application, event.call)
            is CallAgentEvent.IncomingEnded -> Telecom.stopRinging(application, event.call, Telecom.cause(event.reason))
            // For good, because of the token for example: the next sign-in begins anew.
            is CallAgentEvent.ConnectionChanged -> if (event.state is ConnectionState.Disconnected) drop(user)
        }
    }

    /** Calls somebody. */
    suspend fun call(target: String): Call {
        check(Telecom.mayCall(application)) { "the phone has another call" }
        val user = signIn()
        val call = user.agent.startCall(target, CallOptions(video = video))
        begun(user, call, target)
        return call
    }

    /** Takes a call that rings. */
    suspend fun accept(incoming: IncomingCall): Call {
        Notices.stopRinging(application)
        // Known before the call is taken: one that is cannot be without its audio.
        val user: User
        val call = try {
            user = checkNotNull(signedIn.value) { "signed out meanwhile" }
            incoming.accept(CallOptions(video = video))
        } catch (e: Exception) {
            val cause = (e as? ParleyException.CallFailed)?.let { Telecom.cause(it.reason) } ?: DisconnectCause.ERROR
            Telecom.stopRinging(application, incoming, cause)
            throw e
        }
        begun(user, call, incoming.callerId)
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

    private fun begun(user: User, call: Call, with: String) {
        current.value = call
        attempt {
            try {
                AudioDevice(application, user.parley.audio, telecom = true).use {
                    it.start()
                    call.awaitEnd()
                }
            } finally {
                current.compareAndSet(call, null)
            }
        }
        Telecom.began(application, call, with)
        OngoingCallService.start(application)
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
            session.user.value?.let { user ->
                session.attempt { user.keepPosition() }
                user.parley.enterBackground()
            }
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
