package io.github.parleyrtc

import io.github.parleyrtc.mobile.Canceler
import io.github.parleyrtc.mobile.Mobile
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.asSharedFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.Continuation
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.resumeWithException
import kotlin.coroutines.startCoroutine

/** Calls the generated classes: what they throw becomes a [ParleyException]. */
internal inline fun <T> native(block: () -> T): T =
    try {
        block()
    } catch (e: ParleyException) {
        throw e
    } catch (e: Exception) {
        throw ParleyException.of(e)
    }

// Methods that wait do so on threads of their own, which are beside those of the
// application's Dispatchers.IO: the operations outlive a coroutine that was
// cancelled, bounded by ParleyOptions.timeLimitMillis.
private val operations = CoroutineScope(Dispatchers.IO.limitedParallelism(128, "parley"))

/**
 * Runs what blocks, away from the caller's thread. A coroutine that is cancelled
 * goes at once: the operation is cancelled if it can be, and what it gives all
 * the same is given to [release].
 */
internal suspend fun <T> waiting(canceler: Canceler? = null, release: (T) -> Unit = {}, block: () -> T): T =
    suspendCancellableCoroutine { waiter ->
        if (canceler != null) {
            waiter.invokeOnCancellation { canceler.cancel() }
        }
        operations.launch {
            try {
                val result = native(block)
                waiter.resume(result) { _, value, _ -> release(value) }
            } catch (e: Throwable) {
                waiter.resumeWithException(e)
            }
        }
    }

/** Takes what an application's listener throws. It is called on any thread. */
public fun interface ListenerErrorHandler {
    /** Tells what was thrown; what this one throws is dropped. */
    public fun onListenerError(error: Throwable)
}

/**
 * Everything that Go calls goes through here: an exception that left a callback
 * would be swallowed by some virtual machines and end the program on others.
 */
internal class Callbacks(private val handler: ListenerErrorHandler?) {
    fun run(block: () -> Unit) {
        try {
            block()
        } catch (e: Throwable) {
            try {
                handler?.onListenerError(e)
            } catch (_: Throwable) {
                // There is nobody left to tell.
            }
        }
    }
}

/**
 * Events as a flow and to a listener. A collector that is slow holds up the
 * library's thread once 64 events wait, so that nothing is lost; without
 * collectors nothing is kept. [close] lets a thread go that is held up.
 */
internal class Events<E : Any> {
    private val open = Job()
    private val sent = MutableSharedFlow<E>(extraBufferCapacity = 64)
    val flow: Flow<E> = sent.asSharedFlow()

    fun emit(event: E) {
        if (sent.tryEmit(event)) return
        try {
            runBlocking(open) { sent.emit(event) }
        } catch (_: CancellationException) {
            // Closed: nothing is told any more.
        }
    }

    fun close() = open.cancel()
}

/** The result of an operation that [Background] runs. */
public fun interface Completion<T> {
    /** Tells the result, or why there is none: one of the two is null, or both are for Unit. */
    public fun onCompleted(result: T?, error: Throwable?)
}

/** A suspending method, called from Java with the continuation that it is given. */
public fun interface Operation<T> {
    /** Calls the method and returns what it returns. */
    @Throws(ParleyException::class)
    public fun begin(continuation: Continuation<T>): Any?
}

/**
 * The way for Java to the suspending methods:
 * `Background.await(k -> call.hangUp(k))` on a thread that may wait, or
 * `Background.start(k -> call.hangUp(k), (result, error) -> …)` on any.
 */
public object Background {
    /** Runs the operation and waits for it. Not for the main thread. */
    @JvmStatic
    @Throws(ParleyException::class, InterruptedException::class)
    public fun <T> await(operation: Operation<T>): T = runBlocking { suspended(operation) }

    /** Starts the operation; [completion] is called on a thread of the library. */
    @JvmStatic
    public fun <T> start(operation: Operation<T>, completion: Completion<T>) {
        val block: suspend () -> T = { suspended(operation) }
        block.startCoroutine(
            Continuation(EmptyCoroutineContext) { result ->
                Callbacks(null).run { completion.onCompleted(result.getOrNull(), result.exceptionOrNull()) }
            },
        )
    }

    @Suppress("UNCHECKED_CAST")
    private suspend fun <T> suspended(operation: Operation<T>): T =
        kotlin.coroutines.intrinsics.suspendCoroutineUninterceptedOrReturn { k -> operation.begin(k) }
}

internal fun text(value: String?): String = value ?: ""

internal fun newCanceler(): Canceler = Mobile.newCanceler()
