package io.github.parleyrtc

import io.github.parleyrtc.mobile.Call as NativeCall
import io.github.parleyrtc.mobile.CallDataListener
import io.github.parleyrtc.mobile.CallListener as NativeListener
import io.github.parleyrtc.mobile.CallOptions as NativeOptions
import io.github.parleyrtc.mobile.CallStatsListener
import io.github.parleyrtc.mobile.Canceler
import io.github.parleyrtc.mobile.DataMessage as NativeDataMessage
import io.github.parleyrtc.mobile.DataSender as NativeDataSender
import io.github.parleyrtc.mobile.Mobile
import io.github.parleyrtc.mobile.RemoteParticipant as NativeParticipant
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.getAndUpdate
import kotlinx.coroutines.flow.update

/**
 * What starting and accepting a call have in common.
 *
 * @property muted starts the call with outgoing audio muted.
 * @property incomingMuted starts the call with incoming audio muted.
 * @property audio connects the call to the microphone and the loudspeaker of [Parley.audio].
 * @property shareAddressEarly lets those called see this device's network addresses while they still ring.
 * @property camera is sent as soon as the call is accepted; null: no video until [Call.startVideo].
 * @property video takes the other side's video; null: it is dropped.
 * @property statsIntervalMillis tells [CallEvent.Stats] so often, at least every 1,000; zero: never.
 */
public class CallOptions @JvmOverloads constructor(
    public var muted: Boolean = false,
    public var incomingMuted: Boolean = false,
    public var audio: Boolean = true,
    public var shareAddressEarly: Boolean = false,
    public var camera: VideoSource? = null,
    public var video: VideoListener? = null,
    public var statsIntervalMillis: Long = 0,
)

/** What happens to a call. */
public sealed class CallEvent {
    /**
     * The state changed; the last one is [CallState.Disconnected].
     *
     * @property state the new state, with the reason when the call is over.
     */
    public data class StateChanged(val state: CallState) : CallEvent()

    /**
     * The media path was found, lost or found again.
     *
     * @property state where the media path stands now.
     */
    public data class MediaStateChanged(val state: MediaState) : CallEvent()

    /**
     * Another side joined, left or changed.
     *
     * @property participant the other side as it is now.
     * @property change what is different.
     */
    public data class ParticipantChanged(val participant: RemoteParticipant, val change: ParticipantChange) : CallEvent()

    /**
     * This side's outgoing or incoming audio was muted or unmuted.
     *
     * @property muted whether outgoing audio is muted now.
     * @property incomingMuted whether incoming audio is muted now.
     */
    public data class MutedChanged(val muted: Boolean, val incomingMuted: Boolean) : CallEvent()

    /**
     * A data message came.
     *
     * @property participant who sent it; null when nobody knows.
     * @property channelId the channel, 1 to 65,535.
     * @property lossy whether the channel may lose messages.
     * @property sequence counts the messages of the sender on the channel, from 1 on.
     * @property data the message, at most 32,768 bytes; all who hear of it share it.
     */
    public class DataReceived internal constructor(
        public val participant: RemoteParticipant?,
        public val channelId: Int,
        public val lossy: Boolean,
        public val sequence: Long,
        public val data: ByteArray,
    ) : CallEvent()

    /**
     * A DTMF tone came: one of 0–9, A–D, * and #.
     *
     * @property participant who played it; null when nobody knows.
     * @property tone one character.
     */
    public data class ToneReceived(val participant: RemoteParticipant?, val tone: String) : CallEvent()

    /**
     * Statistics, as JSON with the names of webrtc-stats.
     *
     * @property json what [Call.stats] gives.
     */
    public data class Stats(val json: String) : CallEvent()
}

/** Hears what happens to a call, in order, on a thread of the library. */
public fun interface CallListener {
    /** It may call any method but the two called shutdown; what it throws goes to [ParleyOptions.listenerErrors]. */
    public fun onCallEvent(call: Call, event: CallEvent)
}

/** A conversation. Two are equal when they are the same object. */
public class Call internal constructor(private val agent: CallAgent, private val listener: CallListener?) {
    private val parley = agent.parley
    private val told = Events<CallEvent>()
    private val stateNow = MutableStateFlow<CallState>(CallState.None)
    private val mediaNow = MutableStateFlow(MediaState.CONNECTING)
    private val people = MutableStateFlow<List<RemoteParticipant>>(emptyList())

    // Set by the first event or by what starting the call returns: events may be
    // told before.
    @Volatile private var bound: NativeCall? = null

    /** Where the call stands; [CallState.Disconnected] also when the agent was closed. */
    public val state: StateFlow<CallState> = stateNow.asStateFlow()

    /** Where its media path stands. */
    public val mediaState: StateFlow<MediaState> = mediaNow.asStateFlow()

    /** The other sides. */
    public val participants: StateFlow<List<RemoteParticipant>> = people.asStateFlow()

    /** What happens, from when it is collected on; a slow collector holds the library up. It does not end by itself. */
    public val events: Flow<CallEvent> get() = told.flow

    private val native: NativeCall get() = checkNotNull(bound) { "the call was not made" }

    /** The call's identifier, a UUID, the same at all ends. */
    public val id: String get() = native.id()

    /** Whether the call rang here. */
    public val isIncoming: Boolean get() = native.direction() == Mobile.CallDirectionIncoming

    /** Whether outgoing audio is muted. */
    public val isMuted: Boolean get() = native.isMuted

    /** Whether incoming audio is muted. */
    public val isIncomingMuted: Boolean get() = native.isIncomingMuted

    /** Media statistics now, as JSON with the names of webrtc-stats; after the end the last ones. */
    public val stats: String get() = native.stats()

    /** Leaves the call and returns when it is over; it ends also when this fails. */
    @Throws(ParleyException::class)
    public suspend fun hangUp(): Unit = waiting { native.hangUp() }

    /** Stops media both ways until [resume] and tells the other side. */
    @Throws(ParleyException::class)
    public suspend fun hold(): Unit = waiting { native.hold() }

    /** Ends a hold of this side; the agent's active call, if another one, is put on hold first. */
    @Throws(ParleyException::class)
    public suspend fun resume(): Unit = waiting { native.resume() }

    /** Stops sending what the microphone gives, and tells the other side. */
    @Throws(ParleyException::class)
    public suspend fun mute(): Unit = waiting { native.mute() }

    /** Undoes [mute]. */
    @Throws(ParleyException::class)
    public suspend fun unmute(): Unit = waiting { native.unmute() }

    /** Makes the other side silent here. Nobody is told. */
    @Throws(ParleyException::class)
    public suspend fun muteIncoming(): Unit = waiting { native.muteIncoming() }

    /** Undoes [muteIncoming]. */
    @Throws(ParleyException::class)
    public suspend fun unmuteIncoming(): Unit = waiting { native.unmuteIncoming() }

    /** Plays tones to the other side, each one of 0–9, A–D, * and #, at most 64. */
    @Throws(ParleyException::class)
    public suspend fun sendDtmf(tones: String): Unit = waiting { native.sendDTMF(tones) }

    /** Sends a camera's video and returns when the other side has agreed. */
    @Throws(ParleyException::class)
    public suspend fun startVideo(camera: VideoSource): Unit = waiting { native.startVideo(camera.native) }

    /** Stops sending a camera's video. */
    @Throws(ParleyException::class)
    public suspend fun stopVideo(camera: VideoSource): Unit = waiting { native.stopVideo(camera.native) }

    /**
     * Asks the other side for a key frame of its video now, for an application whose
     * decoder was made anew or has met an error: an encoder may give none for many
     * seconds. It never waits and may be called by a [VideoListener] for every frame
     * that cannot be decoded: until a key frame comes, frames go on and the request is
     * repeated. What the network has lost is asked for without it.
     *
     * @throws ParleyException with [ParleyException.code] `Mobile.ErrorCodeNoSuchTrack`
     *   while the other side sends no video.
     */
    @Throws(ParleyException::class)
    public fun requestKeyFrame(): Unit = native { native.requestKeyFrame() }

    /**
     * Opens a sending data channel.
     *
     * @param channelId 1 to 65,535, or 0 for the lowest one that is free.
     * @param lossy delivers a message at most once instead of again and again.
     * @param bitrate bounds what is sent, in bit/s; 0: 500,000.
     */
    @JvmOverloads
    @Throws(ParleyException::class)
    public fun dataSender(channelId: Int = 0, lossy: Boolean = false, bitrate: Int = 0): DataSender =
        DataSender(native { native.newDataSender(channelId, lossy, bitrate) })

    /** Waits until the call is connected. */
    @Throws(ParleyException::class)
    public suspend fun awaitConnected() {
        val reached = state.first { it is CallState.Connected || it is CallState.Disconnected }
        if (reached is CallState.Disconnected) {
            throw ParleyException.CallFailed("the call ended: ${reached.reason.message}", reached.reason)
        }
    }

    /** Waits until the call has ended, and tells why. */
    public suspend fun awaitEnd(): EndReason = (state.first { it is CallState.Disconnected } as CallState.Disconnected).reason

    internal fun bind(call: NativeCall) {
        if (bound == null) {
            bound = call
        }
    }

    private fun ended() {
        told.close()
        agent.callEnded(this)
    }

    /** The agent was closed: the library tells nothing any more. */
    internal fun cut() {
        stateNow.update { it as? CallState.Disconnected ?: CallState.Disconnected(EndReason(0, 0, "closed")) }
        ended()
    }

    /** Lets go of a call that was made when nobody waited for it any more. */
    internal fun abandon(call: NativeCall) = parley.callbacks.run { call.hangUp() }

    internal fun options(options: CallOptions, cancel: Canceler): NativeOptions = NativeOptions().apply {
        muted = options.muted
        incomingMuted = options.incomingMuted
        noAudio = !options.audio
        shareAddressEarly = options.shareAddressEarly
        canceler = cancel
        data = this@Call.data
        options.camera?.let { camera = it.native }
        options.video?.let { taker ->
            setVideo { call, frame ->
                parley.callbacks.run {
                    bind(call)
                    taker.onVideoFrame(this@Call, VideoFrame.of(frame))
                }
            }
        }
        if (options.statsIntervalMillis > 0) {
            statsInterval = options.statsIntervalMillis
            stats = CallStatsListener { call, json ->
                parley.callbacks.run {
                    bind(call)
                    tell(CallEvent.Stats(json))
                }
            }
        }
    }

    private fun tell(event: CallEvent) {
        parley.callbacks.run { listener?.onCallEvent(this, event) }
        told.emit(event)
    }

    internal val heard = object : NativeListener {
        override fun onCallStateChanged(call: NativeCall, state: Int) = parley.callbacks.run {
            bind(call)
            val now = CallState.of(state) { call.endReason() }
            // What was on its way when the agent was closed does not bring the call back.
            if (stateNow.getAndUpdate { it as? CallState.Disconnected ?: now } !is CallState.Disconnected) {
                tell(CallEvent.StateChanged(now))
                if (now is CallState.Disconnected) ended()
            }
        }

        override fun onMediaStateChanged(call: NativeCall, state: Int) = parley.callbacks.run {
            bind(call)
            val now = MediaState.entries.find { it.number == state } ?: MediaState.CONNECTING
            mediaNow.value = now
            tell(CallEvent.MediaStateChanged(now))
        }

        override fun onParticipantChanged(call: NativeCall, participant: NativeParticipant, change: Int) = parley.callbacks.run {
            bind(call)
            val list = call.participants()
            people.value = (0 until list.len()).mapNotNull { i -> list.at(i)?.let { RemoteParticipant.of(it) } }
            val kind = ParticipantChange.entries.find { it.number == change } ?: ParticipantChange.STATE
            tell(CallEvent.ParticipantChanged(RemoteParticipant.of(participant), kind))
        }

        override fun onMutedChanged(call: NativeCall, muted: Boolean, incomingMuted: Boolean) = parley.callbacks.run {
            bind(call)
            tell(CallEvent.MutedChanged(muted, incomingMuted))
        }
    }

    private val data = object : CallDataListener {
        override fun onDataReceived(call: NativeCall, message: NativeDataMessage) = parley.callbacks.run {
            bind(call)
            val from = message.participant?.let { RemoteParticipant.of(it) }
            tell(
                CallEvent.DataReceived(
                    from, message.channelID, message.lossy, message.sequence, message.data ?: ByteArray(0),
                ),
            )
        }

        override fun onToneReceived(call: NativeCall, participant: NativeParticipant?, tone: String) = parley.callbacks.run {
            bind(call)
            tell(CallEvent.ToneReceived(participant?.let { RemoteParticipant.of(it) }, tone))
        }
    }
}

/** A sending data channel of a call. It ends with the call. */
public class DataSender internal constructor(private val native: NativeDataSender) : AutoCloseable {
    /** The channel's id. */
    public val channelId: Int get() = native.channelID()

    /**
     * Sends one message of at most 32,768 bytes; it waits while the channel's
     * bitrate or the path is used up, and returns when the message is on its way.
     */
    @Throws(ParleyException::class)
    public suspend fun send(data: ByteArray): Unit = waiting { native.send(data) }

    /** Closes the channel; its id may be used again. */
    override fun close(): Unit = native.close()
}
