package io.github.parleyrtc.jvmtest

import io.github.parleyrtc.Background
import io.github.parleyrtc.Call
import io.github.parleyrtc.CallAgentEvent
import io.github.parleyrtc.CallEvent
import io.github.parleyrtc.CallListener
import io.github.parleyrtc.CallOptions
import io.github.parleyrtc.CallState
import io.github.parleyrtc.ChatEvent
import io.github.parleyrtc.ChatThread
import io.github.parleyrtc.Credential
import io.github.parleyrtc.IncomingCall
import io.github.parleyrtc.OutboxListener
import io.github.parleyrtc.OutboxMessage
import io.github.parleyrtc.Parley
import io.github.parleyrtc.ParleyException
import io.github.parleyrtc.ParleyOptions
import io.github.parleyrtc.VideoCodec
import io.github.parleyrtc.VideoSourceListener
import io.github.parleyrtc.mobile.Mobile
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.onSubscription
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.io.File
import java.lang.ref.WeakReference
import java.lang.reflect.InvocationTargetException
import java.util.concurrent.Callable
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.coroutines.Continuation

/** What must throw a documented error, or do nothing, and never end the program. */
internal class KotlinBadInput(private val bob: Person) {
    /** Another phone of alice's, in a call with bob. */
    private inner class Spare(val alice: Person, val call: Call, val answered: Call) {
        val thread: ChatThread = alice.chat.thread(env("THREAD"))

        suspend fun end() {
            alice.parley.close()
            withTimeout(LIMIT) { answered.awaitEnd() }
        }
    }

    private suspend fun spare(
        options: CallOptions = CallOptions(),
        listener: CallListener? = null,
        theirs: CallOptions = CallOptions(),
    ): Spare {
        val alice = Person("ALICE")
        alice.signIn()
        alice.chat.start()
        bob.rings.clear()
        val call = alice.agent.startCall(bob.id, options, listener)
        val answered = Checks.take(bob.rings, "the call").accept(theirs)
        withTimeout(LIMIT) { answered.awaitConnected() }
        withTimeout(LIMIT) { call.awaitConnected() }
        return Spare(alice, call, answered)
    }

    /** Calls all methods of an object, as Java sees them, with what [given] makes for each type. */
    private fun everyMethod(thing: Any, but: List<String>, given: (Class<*>) -> Any?, judge: (String, Throwable?) -> Unit) {
        for (method in thing.javaClass.methods) {
            if (method.declaringClass == Any::class.java || method.isSynthetic || '$' in method.name || '-' in method.name || method.name in but) continue
            val name = "${thing.javaClass.simpleName}.${method.name}"
            val types = method.parameterTypes
            val suspends = types.lastOrNull() == Continuation::class.java
            val args = (if (suspends) types.dropLast(1) else types.toList()).map(given).toTypedArray()
            val thrown = runCatching {
                try {
                    val result = if (suspends) Background.await<Any?> { k -> unwrapped { method.invoke(thing, *args, k) } }
                    else unwrapped { method.invoke(thing, *args) }
                    if (result is Flow<*> && result !is SharedFlow<*>) runBlocking { result.toList() }
                } catch (e: InvocationTargetException) {
                    throw e.targetException
                }
            }.exceptionOrNull()
            judge(name, thrown)
        }
    }

    private fun unwrapped(invoke: () -> Any?): Any? =
        try {
            invoke()
        } catch (e: InvocationTargetException) {
            throw e.targetException
        }

    private fun zero(type: Class<*>): Any? = when (type) {
        Boolean::class.javaPrimitiveType -> false
        Int::class.javaPrimitiveType -> 0
        Long::class.javaPrimitiveType -> 0L
        else -> null
    }

    /** Something of a type that can be. */
    private fun something(type: Class<*>, camera: Any): Any? = when (type) {
        String::class.java -> "8:acs:somebody"
        ByteArray::class.java -> ByteArray(960)
        List::class.java -> emptyList<Any>()
        Map::class.java -> emptyMap<Any, Any>()
        VideoCodec::class.java -> VideoCodec.VP8
        camera.javaClass -> camera
        else -> zero(type) ?: type.constructors.find { it.parameterCount == 0 }?.newInstance()
    }

    private fun documented(e: Throwable) =
        Checks.that(e is ParleyException && e.code > Mobile.ErrorCodeInternal, "$e${(e as? ParleyException)?.code?.let { ", code $it" } ?: ""}")

    /** Methods that are given null by Java, and methods of what was closed. */
    suspend fun nothing() {
        val spare = spare()
        val alice = spare.alice
        val second = bob.agent.startCall(alice.id)
        val incoming = Checks.take(alice.rings, "the call")
        val camera = alice.parley.videoSource(VideoCodec.VP8)
        val things = listOf(
            alice.credential, alice.parley, alice.parley.audio, alice.agent, incoming, spare.call, spare.call.dataSender(lossy = true), camera,
            alice.chat, spare.thread, alice.chat.openOutbox(File(env("DIR"), "outbox").path),
        )
        // What waits for an end would wait.
        val waits = listOf("awaitEnd", "awaitConnected")
        for (thing in things) {
            everyMethod(thing, waits + listOf("close", "shutdown", "hangUp"), ::zero) { name, e ->
                Checks.that(e == null || e is NullPointerException || e is ParleyException && e.code > Mobile.ErrorCodeInternal, "$name threw $e")
            }
        }
        second.hangUp()
        spare.end()
        repeat(2) {
            for (thing in things) {
                everyMethod(thing, emptyList(), { something(it, camera) }) { name, e ->
                    val fits = when (e) {
                        null, is NullPointerException, is ParleyException.Closed, is ParleyException.InvalidArgument -> true
                        is ParleyException.InvalidState -> e.code == Mobile.ErrorCodeCallEnded
                        is ParleyException.CallFailed -> name == "Call.awaitConnected"
                        else -> false
                    }
                    Checks.that(fits, "$name threw $e")
                }
            }
        }
        throws<ParleyException.Closed> { alice.agent.startCall(bob.id) }
        throws<ParleyException.Closed> { spare.thread.send("x") }
        throws<ParleyException.Closed> { alice.parley.registerPush(alice.credential, "x", "y") }
    }

    /** A thousand threads call everything of a call and a chat while it is closed, and a thousand coroutines are cancelled. */
    suspend fun threads() {
        val spare = spare()
        val (call, thread, parley) = Triple(spare.call, spare.thread, spare.alice.parley)
        coroutineScope {
            val many = launch(Dispatchers.Default) { repeat(1000) { launch { if (it % 2 == 0) thread.sendTyping() else call.mute() } } }
            thread.sendTyping()
            many.cancelAndJoin()
        }
        thread.sendTyping()
        val pcm = ByteArray(960)
        val operations = listOf<suspend () -> Any?>(
            call::mute, call::unmute, call::hold, call::resume, spare.answered::muteIncoming, spare.answered::unmuteIncoming, thread::sendTyping,
            { call.sendDtmf("1") }, { call.stats + call.id }, { call.participants.value.firstOrNull() }, { parley.audio.read(ByteArray(960)) },
            { parley.audio.write(pcm) }, { parley.audio.routeChanged() }, { spare.alice.chat.threadStates() }, { spare.alice.chat.position },
            { thread.properties() }, { call.dataSender(lossy = true) }, { parley.videoSource(VideoCodec.VP8) }, { parley.enterForeground() },
            { call.awaitConnected() },
        )
        BadInput.thousandThreads(operations.map { Callable { runBlocking { it() } } }, parley::close, ::documented)
        withTimeout(LIMIT) { spare.answered.awaitEnd() }
        Checks.that(spare.call.state.value is CallState.Disconnected, "the call is ${spare.call.state.value}")
    }

    /** Callbacks take a call, call everything and close what calls them. */
    suspend fun callbacks() {
        val done = LinkedBlockingQueue<Any>()
        lateinit var parley: Parley
        val meddling = CallListener { call, event ->
            if (event != CallEvent.StateChanged(CallState.Connected)) return@CallListener
            val judge = { _: String, e: Throwable? -> if (e != null && e !is NullPointerException) documented(e) }
            val all = runCatching {
                everyMethod(call, listOf("hangUp", "awaitEnd"), ::zero, judge)
                parley.close()
                everyMethod(call, emptyList(), ::zero, judge)
                everyMethod(parley, emptyList(), ::zero, judge)
            }
            done.add(all.exceptionOrNull() ?: "all")
        }
        parley = Parley(ParleyOptions(env("ENDPOINT"), rootCertificates = File(env("CA")).readText(), listenerErrors = { done.add(it) }))
        parley.callAgent(Credential.of(env("ALICE_TOKEN"))) { agent, event ->
            // The agent is whole, however early this is.
            Checks.that(agent.identifier == env("ALICE_ID"), "signed in as ${agent.identifier}")
            if (event is CallAgentEvent.Incoming) runBlocking { event.call.accept(listener = meddling) }
        }
        val call = bob.agent.startCall(env("ALICE_ID"))
        val what = Checks.take(done, "the callback's end")
        Checks.that(what == "all", "a callback ended with $what")
        withTimeout(LIMIT) { call.awaitEnd() }
    }

    private class OnPurpose(val by: String) : Error("thrown on purpose by $by")

    /** Every kind of callback throws: each one is told, and nothing else happens. */
    suspend fun throwing() {
        val thrown = LinkedBlockingQueue<Throwable>()
        fun fail(by: String): Nothing = throw OnPurpose(by)
        val parley = Parley(
            ParleyOptions(
                env("ENDPOINT"), rootCertificates = File(env("CA")).readText(), log = { _, _ -> fail("log") },
                listenerErrors = {
                    thrown.add(it)
                    throw it
                },
            ),
        )
        val credential = Credential.of(env("ALICE_TOKEN"))
        val incoming = LinkedBlockingQueue<IncomingCall>()
        parley.callAgent(credential) { _, event ->
            if (event is CallAgentEvent.Incoming) incoming.add(event.call)
            fail("agent")
        }
        val chat = parley.chatClient(credential) { _, event -> if (event is ChatEvent.Message) fail("chat") }
        chat.start()
        val video = Phone.Video()
        val camera = bob.parley.videoSource(VideoCodec.VP8)
        val unwilling = parley.videoSource(
            VideoCodec.VP8,
            object : VideoSourceListener {
                override fun onKeyFrameRequested() = fail("camera")
            },
        )
        val theirs = bob.agent.startCall(env("ALICE_ID"), CallOptions(camera = camera, video = { _, _ -> }))
        val call = Checks.take(incoming, "the call")
            .accept(CallOptions(camera = unwilling, video = { _, _ -> fail("video") })) { _, _ -> fail("call") }
        withTimeout(LIMIT) { call.awaitConnected() }
        val filming = video.start(camera::send)
        chat.openOutbox(
            File(env("DIR"), "throwing").path,
            object : OutboxListener {
                override fun onSent(message: OutboxMessage, messageId: String) = fail("outbox")
                override fun onSendFailed(message: OutboxMessage, error: ParleyException) = fail("outbox")
            },
        ).add(env("THREAD"), "throwing")
        val missing = mutableSetOf("log", "agent", "chat", "call", "video", "camera", "outbox")
        while (missing.isNotEmpty()) {
            val e = Checks.take(thrown, "what is thrown by $missing")
            missing.remove((e as? OnPurpose ?: throw e).by)
        }
        video.stop()
        filming.join()
        call.hangUp()
        withTimeout(LIMIT) { theirs.awaitEnd() }
        parley.close()
        camera.close()
    }

    /** Stays in its first event until it is let go. */
    private class Holder(val done: LinkedBlockingQueue<Any>) : CallListener {
        val entered = CountDownLatch(1)
        val leave = CountDownLatch(1)

        override fun onCallEvent(call: Call, event: CallEvent) {
            if (event !is CallEvent.DataReceived) return
            entered.countDown()
            leave.await()
            done.add(runCatching { "${event.data.size} ${call.id.length} ${runBlocking { throws<ParleyException> { call.hold() } }.code}" }.getOrElse { it })
        }
    }

    /** What a callback belongs to is closed and let go while it runs; a collector that never goes on holds nobody up then. */
    suspend fun freed() {
        repeat(4) {
            val done = LinkedBlockingQueue<Any>()
            val listener = letGo(done)
            val what = Checks.take(done, "the callback's end")
            Checks.that(what == "100 36 ${Mobile.ErrorCodeClosed}", "a callback ended with $what")
            until("the listener is let go") {
                Probe.goHeap()
                System.gc()
                listener.get() == null
            }
        }
        val spare = spare()
        val collecting = CompletableDeferred<Unit>()
        coroutineScope {
            val stuck = launch(Dispatchers.Default) {
                (spare.call.events as SharedFlow<CallEvent>).onSubscription { collecting.complete(Unit) }.collect { awaitCancellation() }
            }
            collecting.await()
            val sender = spare.answered.dataSender()
            repeat(100) { sender.send(ByteArray(10)) }
            until("the library waits for the collector", ::telling)
            spare.end()
            until("the library is let go") { !telling() }
            stuck.cancelAndJoin()
        }
    }

    /** Whether an event waits for its collectors. */
    private fun telling() = Thread.getAllStackTraces().values.any { stack -> stack.any { it.className == "io.github.parleyrtc.Events" } }

    // No coroutine of the test's: it would keep for some time what it has used.
    private fun letGo(done: LinkedBlockingQueue<Any>): WeakReference<Holder> {
        val holder = Holder(done)
        var spare: Spare? = runBlocking { spare(listener = holder).also { it.answered.dataSender().send(ByteArray(100)) } }
        Checks.that(holder.entered.await(LIMIT, TimeUnit.MILLISECONDS), "the callback did not come")
        runBlocking { spare?.end() }
        spare = null
        Probe.goHeap()
        System.gc()
        holder.leave.countDown()
        return WeakReference(holder)
    }

    private fun until(what: String, reached: () -> Boolean) {
        val since = System.nanoTime()
        while (!reached()) Checks.that(System.nanoTime() - since < LIMIT * 1_000_000, "never: $what")
    }
}
