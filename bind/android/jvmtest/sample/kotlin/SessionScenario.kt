package io.github.parleyrtc.sample

import android.app.Application
import android.content.Context
import io.github.parleyrtc.Call
import io.github.parleyrtc.CallAgentOptions
import io.github.parleyrtc.CallState
import io.github.parleyrtc.ConnectionState
import io.github.parleyrtc.Credential
import io.github.parleyrtc.EndReason
import io.github.parleyrtc.IncomingCall
import io.github.parleyrtc.Parley
import io.github.parleyrtc.ParleyOptions
import io.github.parleyrtc.VideoFrame
import io.github.parleyrtc.VideoListener
import java.io.File
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

// What the session uses of the rest of the sample, without a phone.

object Telecom {
    lateinit var session: Session
    val rang = CompletableDeferred<Pair<IncomingCall, Session.User?>>()

    fun ring(context: Context, call: IncomingCall) {
        rang.complete(call to session.user.value)
    }

    fun register(context: Context) = Unit
    fun cause(reason: EndReason): Int = reason.code
    fun stopRinging(context: Context, call: IncomingCall, cause: Int) = Unit
    fun mayCall(context: Context) = true
    fun began(context: Context, call: Call, with: String) = Unit
}

object Notices {
    fun stopRinging(context: Context) = Unit
}

object OngoingCallService {
    fun start(context: Context) = Unit
}

class Picture : VideoListener {
    override fun onVideoFrame(call: Call, frame: VideoFrame) = Unit
}

private const val LIMIT = 30_000L

private fun env(name: String) = System.getenv("PARLEY_$name") ?: error("PARLEY_$name is not set")

private fun account(name: String) = Account(env("ENDPOINT"), File(env("CA")).readText(), env("${name}_TOKEN"))

private fun check(name: String, body: suspend () -> Unit) {
    try {
        runBlocking { withTimeout(3 * LIMIT) { body() } }
        println("ok $name")
    } catch (e: Throwable) {
        println("FAIL $name: $e")
    }
}

private fun that(holds: Boolean, otherwise: String) {
    if (!holds) throw AssertionError(otherwise)
}

private fun outboxes() = File(env("DIR")).list().orEmpty().filter { it.startsWith("outbox") }.toSet()

private fun phone() = Parley(ParleyOptions(env("ENDPOINT"), rootCertificates = File(env("CA")).readText()))

/** The sample's session with a service, and all else of Android left out. */
fun main() {
    val application = Application()
    val session = Session(application)
    Telecom.session = session
    val bob = phone()
    check("called at once") {
        // While chat takes its time somebody calls already.
        val placed = CompletableDeferred<Call>()
        val bobAgent = bob.callAgent(Credential.of(env("BOB_TOKEN")))
        System.getProperties()["chat begins"] = Runnable {
            runBlocking {
                placed.complete(bobAgent.startCall(env("ALICE_ID")))
                withTimeout(LIMIT) { Telecom.rang.await() }
            }
        }
        application.getSharedPreferences("session", 0).edit().putString("device", "phone").apply()
        session.account = account("ALICE")
        val user = session.signIn()
        val (call, found) = withTimeout(LIMIT) { Telecom.rang.await() }
        that(found == user, "when it rang $found was signed in")
        session.accept(call)
        withTimeout(LIMIT) { placed.await().awaitConnected() }
        that(session.call.value?.id == placed.await().id, "in the call ${session.call.value?.id}")
        placed.await().hangUp()
        withTimeout(LIMIT) { session.call.first { it == null } }
        that(System.getProperty("audio") == "started and closed", "the audio was ${System.getProperty("audio")}")
    }
    check("signed out by the service") {
        val before = session.signIn()
        // Another agent of the same device takes its place.
        val other = phone()
        other.callAgent(Credential.of(env("ALICE_TOKEN")), CallAgentOptions(deviceId = "phone"))
        withTimeout(LIMIT) { before.agent.connectionState.first { it is ConnectionState.Disconnected } }
        withTimeout(LIMIT) { session.user.first { it != before } }
        other.close()
        that(session.signIn().agent.connectionState.value is ConnectionState.Connected, "signed in with a dead agent")
    }
    check("another user") {
        session.signIn().outbox.waiting()
        val alice = outboxes()
        session.account = account("BOB")
        val user = session.signIn()
        that(user.agent.identifier == env("BOB_ID"), "signed in as ${user.agent.identifier}")
        user.outbox.waiting()
        that(alice.size == 1 && outboxes().size == 2, "the outboxes are $alice and then ${outboxes()}")
        session.signOut()
        that(outboxes() == alice, "after signing out there are ${outboxes()}")
        session.account = account("ALICE")
        session.signIn()
        session.signOut()
        that(outboxes().isEmpty() && session.account == null && session.user.value == null, "${outboxes()} is left")
    }
    bob.close()
    System.exit(0)
}
