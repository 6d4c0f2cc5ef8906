package io.github.parleyrtc.sample

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.os.Bundle
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
import io.github.parleyrtc.IncomingCall
import io.github.parleyrtc.VideoCodec
import io.github.parleyrtc.android.VideoEncoder
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
        } catch (e: Exception) {
            say(e.message ?: e.toString())
        }
    }

    protected fun say(text: String) = runOnUiThread { status.text = text }
}

/** Signs in, calls, opens chats. */
class MainActivity : Screen() {
    override fun build() {
        requestPermissions(arrayOf(Manifest.permission.RECORD_AUDIO, Manifest.permission.CAMERA), 1)
        val account = session.account
        val endpoint = field("https://service:port", account?.endpoint ?: "")
        val certificates = field("certificates (PEM), or nothing", account?.certificates ?: "")
        val token = field("token")
        button("Sign in") {
            session.account = Account("${endpoint.text}", "${certificates.text}", "${token.text}")
            say("signed in as ${session.signIn().agent.identifier}")
        }
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

/** A call that rings or goes on. */
class CallActivity : Screen() {
    private var camera: CameraFeed? = null

    override fun build() {
        val title = TextView(this).also { column.addView(it) }
        val ringing = session.user.value?.agent?.incomingCalls?.value?.firstOrNull()
        if (ringing != null && session.call.value == null) {
            title.text = "${ringing.callerDisplayName} ${ringing.callerId}"
            button("Accept") {
                session.accept(ringing)
                runOnUiThread { recreate() }
            }
            button("Reject") {
                ringing.reject()
                finish()
            }
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
                call.stopVideo(running.encoder.source)
                running.close()
            } else {
                val feed = CameraFeed(this, VideoEncoder(checkNotNull(session.user.value).parley, VideoCodec.H264))
                camera = feed
                call.startVideo(feed.encoder.source)
            }
        }
        button("Hang up") { call.hangUp() }
        val picture = SurfaceView(this)
        column.addView(picture, LayoutParams.MATCH_PARENT, 900)
        picture.holder.addCallback(object : SurfaceHolder.Callback {
            override fun surfaceCreated(holder: SurfaceHolder) = session.video.show(holder.surface)
            override fun surfaceChanged(holder: SurfaceHolder, format: Int, width: Int, height: Int) = Unit
            override fun surfaceDestroyed(holder: SurfaceHolder) = session.video.hide()
        })
    }

    override fun onDestroy() {
        camera?.close()
        super.onDestroy()
    }

    companion object {
        /** Shows a call that rings, from a service. */
        fun show(session: Session, @Suppress("UNUSED_PARAMETER") incoming: IncomingCall?) = session.open(CallActivity::class.java)
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
