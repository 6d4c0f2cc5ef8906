package io.github.parleyrtc

import io.github.parleyrtc.mobile.Mobile
import io.github.parleyrtc.mobile.VideoFrame as NativeFrame
import io.github.parleyrtc.mobile.VideoSourceListener as NativeSourceListener

/**
 * The phone's microphone and loudspeaker: 48 kHz mono 16 bit little endian. The
 * platform's audio threads use arrays of their own again and again; neither
 * method waits. `android.AudioDevice` does it with AudioRecord and AudioTrack.
 */
public class Audio internal constructor(private val native: io.github.parleyrtc.mobile.Audio) {
    /** Takes what the microphone has captured; returns the number of bytes, or a negative error code. */
    public fun write(pcm: ByteArray): Int = native.writePCM(pcm)

    /** Fills [pcm] with what the loudspeaker is to play; returns the number of bytes, or a negative error code. */
    public fun read(pcm: ByteArray): Int = native.readPCM(pcm)

    /** Something else has the microphone and the loudspeaker: silence is sent and played. */
    public fun beginInterruption(): Unit = native.beginInterruption()

    /** Undoes [beginInterruption]. */
    public fun endInterruption(): Unit = native.endInterruption()

    /** The microphone or the loudspeaker is another one: audio that waited for the old one is dropped. */
    public fun routeChanged(): Unit = native.routeChanged()

    /** The form of the audio. */
    public companion object {
        /** Samples a second. */
        public const val SAMPLE_RATE: Int = Mobile.AudioSampleRate

        /** The size of a millisecond of audio. */
        public const val BYTES_PER_MILLISECOND: Int = Mobile.AudioBytesPerMillisecond
    }
}

/**
 * The codecs of video.
 *
 * @property mimeType what MediaCodec calls it.
 */
public enum class VideoCodec(internal val number: Int, public val mimeType: String) {
    /** VP8 frames. */
    VP8(Mobile.VideoCodecVP8, "video/x-vnd.on2.vp8"),

    /** Access units with start codes; those of key frames begin with SPS and PPS. */
    H264(Mobile.VideoCodecH264, "video/avc"),

    /** VP9 frames or superframes. */
    VP9(Mobile.VideoCodecVP9, "video/x-vnd.on2.vp9"),

    /** Temporal units in low-overhead form. */
    AV1(Mobile.VideoCodecAV1, "video/av01"),
}

/**
 * One encoded picture that was received. [data] is not to be changed.
 *
 * @property codec how it is encoded; null for a codec that this version does not know.
 * @property data the encoded picture, not to be changed.
 * @property timestampMicros when it is to be shown, in microseconds from any zero point.
 * @property isKeyFrame whether decoding can start here.
 * @property width in pixels.
 * @property height in pixels.
 */
public class VideoFrame internal constructor(
    public val codec: VideoCodec?,
    public val data: ByteArray,
    public val timestampMicros: Long,
    public val isKeyFrame: Boolean,
    public val width: Int,
    public val height: Int,
) {
    internal companion object {
        fun of(f: NativeFrame): VideoFrame = VideoFrame(
            f.codec.let { n -> VideoCodec.entries.find { it.number == n } },
            f.data ?: ByteArray(0), f.timestamp, f.keyFrame, f.width, f.height,
        )
    }
}

/** Takes the other side's video, in decoding order, a key frame first, on a thread of its own. */
public fun interface VideoListener {
    /**
     * While it blocks, frames that come too late are dropped and a key frame is asked
     * for; [Call.requestKeyFrame] asks for one when they cannot be decoded.
     */
    public fun onVideoFrame(call: Call, frame: VideoFrame)
}

/** Steers an encoder, on threads of the library; it must not block. */
public interface VideoSourceListener {
    /** Asks for a key frame soon. */
    public fun onKeyFrameRequested()

    /** Tells what the network carries now. */
    public fun onTargetBitrateChanged(bitsPerSecond: Int) {}
}

/**
 * Video that the application has encoded. It may be given to several calls.
 *
 * @property codec how its frames are encoded.
 */
public class VideoSource internal constructor(
    parley: Parley,
    public val codec: VideoCodec,
    listener: VideoSourceListener?,
) : AutoCloseable {
    internal val native: io.github.parleyrtc.mobile.VideoSource = native {
        val heard = listener?.let {
            object : NativeSourceListener {
                override fun onKeyFrameRequested() = parley.callbacks.run { it.onKeyFrameRequested() }
                override fun onTargetBitrateChanged(bitsPerSecond: Int) =
                    parley.callbacks.run { it.onTargetBitrateChanged(bitsPerSecond) }
            }
        }
        parley.native.newVideoSource(codec.number, heard)
    }

    /**
     * Gives one encoded frame, in order; it copies it and never waits. False: the
     * frame was dropped because those before it still wait, or because a key frame
     * has to come first; the encoder is then asked for one.
     *
     * @throws ParleyException.Closed after [close].
     * @throws ParleyException.InvalidArgument for an empty frame.
     */
    @Throws(ParleyException::class)
    public fun send(frame: ByteArray, timestampMicros: Long, isKeyFrame: Boolean): Boolean =
        when (native.sendFrame(frame, timestampMicros, isKeyFrame)) {
            Mobile.FrameSent -> true
            Mobile.FrameDropped -> false
            -Mobile.ErrorCodeInvalidArgument -> throw ParleyException.InvalidArgument("an empty frame")
            else -> throw ParleyException.Closed("the video source was closed")
        }

    /** Ends the source and drops the listener; calls that send it go on without video. */
    override fun close(): Unit = native.close()
}
