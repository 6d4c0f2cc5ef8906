package io.github.parleyrtc.sample

import android.Manifest
import android.annotation.SuppressLint
import android.app.Activity
import android.app.NotificationManager
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.provider.Settings
import android.telecom.CallAudioState
import android.util.Log
import android.view.SurfaceHolder
import android.view.SurfaceView
import android.view.ViewGroup.LayoutParams
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.TextView
import io.github.parleyrtc.Call
import io.github.parleyrtc.CallState
import io.github.parleyrtc.ChatEvent
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch

/** A screen with a scope that ends with it; what fails in it is shown. */
abstract class Screen : Activity() {
    protected val work = CoroutineScope(SupervisorJob())
    protected val column by lazy { LinearLayout(this).apply { orientation = LinearLayout.VERTICAL } }
    private val status by lazy { TextView(this) }

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(ScrollView(this).apply { addView(column) })
        build()
        column.addView(status)
    }

    abstract fun build()

    override fun onDestroy() {
        work.cancel()
        super.onDestroy()
    }

    protected fun field(hint: String, value: String = "") = EditText(this).apply {
        this.hint = hint
        setText(value)
        column.addView(this)
    }

    protected fun button(label: String, action: suspend () -> Unit) = Button(this).apply {
        text = label
        setOnClickListener { doing(action) }
        column.addView(this)
    }

    protected fun doing(action: suspend () -> Unit): Job = work.launch {
        try {
            action()
        } catch (e: CancellationException) {
            throw e
        } catch (e: Exception) {
            Log.w("Parley", "$e")
            say(e.message ?: e.toString())
        }
    }

    protected fun say(text: String) = runOnUiThread { status.text = text }
}

/** Signs in, calls, opens chats. */
class MainActivity : Screen() {
    override fun build() {
        val permissions = mutableListOf(Manifest.permission.RECORD_AUDIO, Manifest.permission.CAMERA)
        // The names of headsets; and whatever rings while the screen is off.
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) permissions += Manifest.permission.BLUETOOTH_CONNECT
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) permissions += Manifest.permission.POST_NOTIFICATIONS
        requestPermissions(permissions.toTypedArray(), 1)
        val account = session.account
        val endpoint = field("https://service:port", account?.endpoint ?: "")
        val certificates = field("certificates (PEM), or nothing", account?.certificates ?: "")
        val token = field("token")
        button("Sign in") {
            session.account = Account("${endpoint.text}", "${certificates.text}", "${token.text}")
            say("signed in as ${session.signIn().agent.identifier}")
            askForTheLockScreen()
        }
        if (account != null) doing { say("signed in as ${session.signIn().agent.identifier}") }
        val target = field("8:acs:…")
        button("Call") {
            session.call("${target.text}")
            startActivity(Intent(this, CallActivity::class.java))
        }
        button("Chat") {
            val user = session.signIn()
            val thread = user.chat.threads().take(1).toList().firstOrNull()?.id
                ?: user.chat.createThread("Parley", listOf(io.github.parleyrtc.ChatParticipant("${target.text}"))).id
            startActivity(Intent(this, ChatActivity::class.java).putExtra(ChatActivity.THREAD, thread))
        }
        button("Sign out") {
            session.signOut()
            say("signed out")
        }
    }
}

private fun Screen.askForTheLockScreen() {
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.UPSIDE_DOWN_CAKE) return
    val manager = getSystemService(Context.NOTIFICATION_SERVICE) as NotificationManager
    if (manager.canUseFullScreenIntent()) return
    startActivity(Intent(Settings.ACTION_MANAGE_APP_USE_FULL_SCREEN_INTENT, Uri.fromParts("package", packageName, null)))
}

/** A call that rings or goes on. */
class CallActivity : Screen() {
    private var camera: CameraFeed? = null

    override fun build() {
        val title = TextView(this).also { column.addView(it) }
        val ringing = session.user.value?.agent?.incomingCalls?.value?.firstOrNull()
        if (ringing != null && session.call.value == null) {
            title.text = "${ringing.callerDisplayName} ${ringing.callerId}"
            val accept: suspend () -> Unit = {
                session.accept(ringing)
                runOnUiThread { recreate() }
            }
            button("Accept", accept)
            button("Reject") {
                session.reject(ringing)
                finish()
            }
            if (intent.getBooleanExtra(ANSWER, false)) doing(accept)
            return
        }
        val call = session.call.value ?: return finish()
        work.launch {
            call.state.collect { state ->
                runOnUiThread { title.text = state.toString() }
                if (state is CallState.Disconnected) finish()
            }
        }
        controls(call)
    }

    private fun controls(call: Call) {
        button("Mute") { if (call.isMuted) call.unmute() else call.mute() }
        button("Hold") { if (call.state.value is CallState.LocalHold) call.resume() else call.hold() }
        button("Camera") {
            val running = camera
            camera = null
            if (running != null) {
                running.use { call.stopVideo(it.encoder.source) }
            } else {
                val feed = CameraFeed(this, checkNotNull(session.user.value) { "signed out meanwhile" }.parley)
                camera = feed
                try {
                    call.startVideo(feed.encoder.source)
                } catch (e: Throwable) {
                    // The screen is gone perhaps, and onDestroy did not find the camera.
                    camera = null
                    feed.close()
                    throw e
                }
            }
        }
        val route = button("Audio") { Telecom.connection(call)?.nextRoute() }
        work.launch { Telecom.connection(call)?.audio?.collect { now -> runOnUiThread { route.text = name(now) } } }
        button("Hang up") { call.hangUp() }
        val picture = SurfaceView(this)
        column.addView(picture, LayoutParams.MATCH_PARENT, 900)
        picture.holder.addCallback(object : SurfaceHolder.Callback {
            override fun surfaceCreated(holder: SurfaceHolder) = session.video.show(holder.surface)
            override fun surfaceChanged(holder: SurfaceHolder, format: Int, width: Int, height: Int) = Unit
            override fun surfaceDestroyed(holder: SurfaceHolder) = session.video.hide()
        })
    }

    private fun name(audio: CallAudioState?): String = when (audio?.route) {
        CallAudioState.ROUTE_SPEAKER -> "Loudspeaker"
        CallAudioState.ROUTE_WIRED_HEADSET -> "Headset"
        CallAudioState.ROUTE_BLUETOOTH -> bluetoothName(audio)
        else -> "Earpiece"
    }

    @SuppressLint("MissingPermission") // without it the name is a general one
    private fun bluetoothName(audio: CallAudioState): String =
        try {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) audio.activeBluetoothDevice?.name else null
        } catch (_: SecurityException) {
            null
        } ?: "Bluetooth"

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        setIntent(intent)
        recreate()
    }

    override fun onDestroy() {
        camera?.close()
        super.onDestroy()
    }

    companion object {
        /** An extra: the user has taken the call, in a notification. */
        const val ANSWER = "answer"
    }
}

/** One thread: what was said, and what is being said. */
class ChatActivity : Screen() {
    override fun build() {
        val id = intent.getStringExtra(THREAD) ?: return finish()
        val said = TextView(this).also { column.addView(it) }
        val typed = field("message")
        fun line(name: String, text: String) = runOnUiThread { said.append("$name: $text\n") }
        doing {
            val user = session.signIn()
            val thread = user.chat.thread(id)
            thread.messages().take(30).toList().reversed().forEach { line(it.senderDisplayName, it.content) }
            user.chat.events.collect { event ->
                when (event) {
                    is ChatEvent.Message -> if (event.threadId == id) {
                        line(event.message.senderDisplayName, event.message.content)
                        thread.sendReadReceipt(event.message.id)
                    }
                    is ChatEvent.Typing -> if (event.threadId == id) say("${event.senderDisplayName} is typing")
                    else -> Unit
                }
            }
        }
        button("Send") {
            val text = "${typed.text}"
            runOnUiThread { typed.text.clear() }
            session.signIn().outbox.add(id, text)
        }
    }

    companion object {
        const val THREAD = "thread"
    }
}
