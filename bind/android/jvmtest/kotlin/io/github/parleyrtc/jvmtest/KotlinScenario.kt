package io.github.parleyrtc.jvmtest

import io.github.parleyrtc.Call
import io.github.parleyrtc.CallAgent
import io.github.parleyrtc.CallAgentEvent
import io.github.parleyrtc.CallEvent
import io.github.parleyrtc.CallListener
import io.github.parleyrtc.CallOptions
import io.github.parleyrtc.CallState
import io.github.parleyrtc.ChatClient
import io.github.parleyrtc.ChatConnection
import io.github.parleyrtc.ChatEvent
import io.github.parleyrtc.ChatParticipant
import io.github.parleyrtc.Credential
import io.github.parleyrtc.IncomingCall
import io.github.parleyrtc.Parley
import io.github.parleyrtc.ParleyException
import io.github.parleyrtc.ParleyLog
import io.github.parleyrtc.ParleyOptions
import io.github.parleyrtc.Push
import io.github.parleyrtc.VideoCodec
import io.github.parleyrtc.VideoFrame
import io.github.parleyrtc.VideoSourceListener
import io.github.parleyrtc.mobile.Mobile
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onSubscription
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.io.File
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.LinkedBlockingQueue

internal fun env(name: String): String = System.getenv("PARLEY_$name") ?: error("PARLEY_$name is not set")

internal const val LIMIT = Checks.LIMIT_SECONDS * 1000

/** Runs a check in a coroutine, bounded. */
internal fun Checks.suspending(name: String, block: suspend CoroutineScope.() -> Unit) =
    check(name) { runBlocking { withTimeout(5 * LIMIT) { block() } } }

/** A user at a phone. */
internal class Person(name: String, log: ParleyLog? = null) {
    val id = env("${name}_ID")
    val thrown = CopyOnWriteArrayList<Throwable>()
    val rings = LinkedBlockingQueue<IncomingCall>()
    val parley = Parley(
        ParleyOptions(env("ENDPOINT"), rootCertificates = File(env("CA")).readText(), log = log, listenerErrors = { thrown.add(it) }),
    )
    val credential = Credential.of(env("${name}_TOKEN"))
    lateinit var agent: CallAgent
    lateinit var chat: ChatClient
    val chatEvents = LinkedBlockingQueue<ChatEvent>()

    suspend fun signIn() {
        agent = parley.callAgent(credential) { _, event ->
            if (event is CallAgentEvent.Incoming) rings.add(event.call)
        }
        chat = parley.chatClient(credential) { _, event -> chatEvents.add(event) }
    }

    inline fun <reified E : ChatEvent> awaitChat(what: String, fits: (E) -> Boolean): E {
        while (true) {
            val event = Checks.take(chatEvents, what)
            if (event is E && fits(event)) return event
        }
    }
}

internal suspend inline fun <reified E : ParleyException> throws(crossinline block: suspend () -> Unit): E {
    try {
        block()
    } catch (e: Throwable) {
        if (e is E) return e
        throw AssertionError("threw $e instead of ${E::class.java.name}", e)
    }
    throw AssertionError("threw nothing instead of ${E::class.java.name}")
}

private class KotlinScenario(val checks: Checks) {
    val alice = Person("ALICE")
    val bob = Person("BOB")

    suspend fun connect(options: CallOptions = CallOptions(), listener: CallListener? = null): Pair<Call, Call> = coroutineScope {
        val placed = async { alice.agent.startCall(bob.id) }
        val call = placed.await()
        Checks.that(bob.agent.awaitIncomingCall(call.id, LIMIT).callerId == alice.id, "another call rings")
        val answered = Checks.take(bob.rings, "the call").accept(options, listener)
        withTimeout(LIMIT) { call.awaitConnected() }
        withTimeout(LIMIT) { answered.awaitConnected() }
        call to answered
    }

    suspend fun hangUp(call: Call, other: Call) {
        call.hangUp()
        Checks.that(withTimeout(LIMIT) { other.awaitEnd() }.code == 0, "ended with ${other.state.value}")
        withTimeout(LIMIT) { call.awaitEnd() }
    }

    suspend fun call() {
        val video = Phone.Video()
        val camera = alice.parley.videoSource(
            VideoCodec.VP8,
            object : VideoSourceListener {
                override fun onKeyFrameRequested() = video.keyFrame()
            },
        )
        val frames = LinkedBlockingQueue<VideoFrame>()
        val data = LinkedBlockingQueue<CallEvent.DataReceived>()
        val states = LinkedBlockingQueue<CallState>()
        val (call, answered) = connect(CallOptions(video = { _, frame -> frames.add(frame) })) { _, event ->
            when (event) {
                is CallEvent.DataReceived -> data.add(event)
                is CallEvent.StateChanged -> states.add(event.state)
                else -> Unit
            }
        }
        Checks.that(call.id == answered.id && answered.isIncoming && !call.isIncoming, "two ends of one call differ")
        Checks.that(call != answered && call == call && call.hashCode() == System.identityHashCode(call), "equality is not identity")
        val people = withTimeout(LIMIT) { answered.participants.first { it.isNotEmpty() } }
        Checks.that(people.single().identifier == alice.id && people.single().endReason == null, "called by $people")
        checks.check("audio") { Phone.talk(alice.parley.audio::write, bob.parley.audio::read) }
        checks.suspending("video") {
            call.startVideo(camera)
            val thread = video.start(camera::send)
            val first = Checks.take(frames, "video")
            Checks.that(first.isKeyFrame && first.data.contentEquals(video.first()), "the first frame is no key frame, or another one")
            repeat(29) {
                val frame = Checks.take(frames, "video")
                Checks.that(video.knows(frame.data) && frame.codec == VideoCodec.VP8, "a frame came that was not sent")
            }
            // As an application whose decoder was made anew.
            video.requests.clear()
            answered.requestKeyFrame()
            Checks.take(video.requests, "the request for a key frame")
            while (!Checks.take(frames, "the key frame").isKeyFrame) Unit
            Checks.that(throws<ParleyException.Other> { call.requestKeyFrame() }.code == Mobile.ErrorCodeNoSuchTrack, "another code")
            video.stop()
            thread.join()
            call.stopVideo(camera)
            camera.close()
            throws<ParleyException.Closed> { camera.send(video.first(), 0, true) }
        }
        checks.suspending("data") {
            val sent = ByteArray(16000) { (it * 7).toByte() }
            call.dataSender(5).use { it.send(sent) }
            val got = Checks.take(data, "data")
            Checks.that(got.data.contentEquals(sent) && got.channelId == 5 && got.sequence == 1L, "other data came")
            throws<ParleyException.Refused> { call.dataSender(6).use { it.send(ByteArray(40_000)) } }
        }
        checks.suspending("hold") {
            answered.hold()
            withTimeout(LIMIT) { call.state.first { it is CallState.RemoteHold } }
            answered.resume()
            withTimeout(LIMIT) { call.state.first { it is CallState.Connected } }
        }
        hangUp(call, answered)
        Checks.that(Checks.take(states, "a state") !is CallState.Disconnected, "the listener heard of the end only")
    }

    suspend fun chat() {
        alice.chat.start()
        bob.chat.start()
        val thread = alice.chat.thread(env("THREAD"))
        val text = "hello \ud83d\ude00 \u00e9\u4f60"
        // As a flow too: it is collected before the message is sent.
        val listening = CompletableDeferred<Unit>()
        coroutineScope {
            val flowed = async(Dispatchers.Default) {
                (bob.chat.events as kotlinx.coroutines.flow.SharedFlow<ChatEvent>)
                    .onSubscription { listening.complete(Unit) }
                    .first { it is ChatEvent.Message && it.message.content == text }
            }
            listening.await()
            val sent = thread.send(text)
            val event = bob.awaitChat<ChatEvent.Message>("the message") { it.message.id == sent.id }
            Checks.that(event.message.content == text && event.message.senderId == alice.id, "it says ${event.message}")
            withTimeout(LIMIT) { flowed.await() }
        }
        Checks.that(thread.messages().first { it.content == text }.senderId == alice.id, "not in the list")
    }

    suspend fun invalid() {
        Checks.that(alice.chat.thread(env("THREAD")).invalidParticipants.isEmpty(), "somebody could not be added to a thread that was there")
        val nobody = alice.id.substringBeforeLast('_') + "_00000000-0000-0000-0000-000000000000"
        val thread = alice.chat.createThread("topic", listOf(ChatParticipant(bob.id), ChatParticipant(nobody)))
        Checks.that(thread.invalidParticipants.single().userId == nobody, "could not be added: ${thread.invalidParticipants}")
        Checks.that(thread.participants().toList().map { it.userId }.toSet() == setOf(alice.id, bob.id), "other members")
        alice.chat.deleteThread(thread.id)
    }

    suspend fun typing() {
        bob.chat.thread(env("THREAD")).sendTyping()
        alice.awaitChat<ChatEvent.Typing>("the typing") { it.senderId == bob.id }
    }

    suspend fun errors() {
        throws<ParleyException.InvalidArgument> { Credential.of("no token") }
        throws<ParleyException.InvalidArgument> { Parley(ParleyOptions("nowhere")) }
        throws<ParleyException.InvalidArgument> { alice.agent.startCall("nobody") }
        val refused = throws<ParleyException.Refused> { alice.chat.thread("19:none@thread.v2").properties() }
        Checks.that(refused.status in listOf(403, 404), "status ${refused.status}")
        // Through Go and back.
        val none = Credential.refreshing { throw IllegalStateException("no token today") }
        val failed = throws<ParleyException> { alice.parley.callAgent(none) }
        Checks.that("no token today" in failed.message.orEmpty(), "it says ${failed.message}")
        none.close()
        // A listener that throws harms nothing and is told.
        bob.thrown.clear()
        val (call, answered) = connect(listener = { _, _ -> throw NotImplementedError("thrown on purpose") })
        hangUp(call, answered)
        Checks.that(bob.thrown.isNotEmpty() && bob.thrown.all { it is NotImplementedError }, "listenerErrors heard ${bob.thrown}")
        // A coroutine that is cancelled goes at once, whatever it waited for.
        val asked = CompletableDeferred<Unit>()
        val answer = CompletableDeferred<String>()
        val slow = Credential.refreshing {
            asked.complete(Unit)
            answer.await()
        }
        coroutineScope {
            val signingIn = launch(Dispatchers.Default) { alice.parley.callAgent(slow) }
            asked.await()
            signingIn.cancelAndJoin()
            Checks.that(signingIn.isCancelled, "the sign-in was not cancelled")
        }
        answer.complete(env("ALICE_TOKEN"))
        slow.close()
    }

    fun push() {
        val call = Push.parse(mapOf("type" to "call", "callId" to "x", "displayName" to "a \"b\" \\ \n"))
        Checks.that(call == Push.Call("x", "", "a \"b\" \\ \n", false), "$call")
        Checks.that(Push.parse("""{"parley":{"type":"chat","threadId":"t"}}""") == Push.Chat("t", "", "", "", ""), "a push of APNs")
        runBlocking { throws<ParleyException.InvalidArgument> { Push.parse("{}") } }
    }

    suspend fun calls() {
        val count = env("CALLS").toInt()
        var done = 0
        var first: Probe.Sample? = null
        for (n in 1..count) {
            bob.rings.clear()
            val (call, answered) = connect()
            hangUp(call, answered)
            done++
            if (n == maxOf(1, count / 10)) first = Probe.measure()
        }
        Probe.report(done, first, Probe.measure())
    }

    suspend fun close() {
        val (cut, other) = connect()
        alice.chat.close()
        alice.chat.close()
        Checks.that(alice.chat.connection.value == ChatConnection.Closed(null), "chat is ${alice.chat.connection.value}")
        throws<ParleyException.Closed> { alice.chat.start() }
        alice.parley.use { }
        alice.parley.close()
        throws<ParleyException.Closed> { alice.agent.startCall(bob.id) }
        throws<ParleyException.Closed> { cut.mute() }
        // Who waits for a call does not wait for ever.
        Checks.that(withTimeout(LIMIT) { cut.awaitEnd() }.message == "closed", "ended with ${cut.state.value}")
        withTimeout(LIMIT) { other.awaitEnd() }
        throws<ParleyException.Closed> { alice.parley.callAgent(alice.credential) }
        bob.parley.shutdown()
        bob.parley.shutdown()
        Checks.that(withTimeout(LIMIT) { bob.chat.connection.first { it is ChatConnection.Closed } } == ChatConnection.Closed(null), "chat is open")
    }
}

/** Two phones in one program, over the Kotlin layer. */
public fun main() {
    val checks = Checks()
    val s = KotlinScenario(checks)
    checks.suspending("sign-in") {
        s.alice.signIn()
        s.bob.signIn()
    }
    checks.suspending("call") { s.call() }
    checks.suspending("chat") { s.chat() }
    checks.suspending("invalid") { s.invalid() }
    checks.suspending("typing") { s.typing() }
    checks.suspending("errors") { s.errors() }
    val bad = KotlinBadInput(s.bob)
    checks.suspending("threads") { bad.threads() }
    checks.suspending("throwing") { bad.throwing() }
    // These name methods and classes, which R8 has given others.
    if (System.getenv("PARLEY_SHRUNK") == null) {
        checks.suspending("nothing") { bad.nothing() }
        checks.suspending("callbacks") { bad.callbacks() }
        checks.suspending("freed") { bad.freed() }
    }
    checks.check("push") { s.push() }
    checks.check("java") { JavaCaller.call(s.alice.parley, s.bob.agent, s.alice.chat, env("THREAD")) }
    checks.suspending("calls") { s.calls() }
    checks.suspending("close") { s.close() }
    checks.exit()
}
