package io.github.parleyrtc.android

import android.media.MediaCodec
import android.media.MediaCodecInfo
import android.media.MediaFormat
import android.os.Bundle
import android.view.Surface
import io.github.parleyrtc.Call
import io.github.parleyrtc.Parley
import io.github.parleyrtc.ParleyException
import io.github.parleyrtc.VideoCodec
import io.github.parleyrtc.VideoFrame
import io.github.parleyrtc.VideoListener
import io.github.parleyrtc.VideoSource
import io.github.parleyrtc.VideoSourceListener
import java.nio.Buffer

/**
 * The phone's hardware encoder: what a camera draws onto [surface] is sent by
 * [source]. It follows the network's bitrate and gives key frames when asked.
 */
public class VideoEncoder @JvmOverloads constructor(
    parley: Parley,
    codec: VideoCodec = VideoCodec.H264,
    width: Int = 640,
    height: Int = 480,
    framesPerSecond: Int = 30,
    bitrate: Int = 1_000_000,
) : AutoCloseable {
    /** To be given to calls. */
    public val source: VideoSource = parley.videoSource(codec, Steering())

    private val encoder: MediaCodec = created { MediaCodec.createEncoderByType(codec.mimeType) }

    /** To be given to the camera. */
    public val surface: Surface

    // SPS and PPS, which the encoder gives once and every key frame needs.
    private var parameters = ByteArray(0)

    @Volatile private var running = true
    private val thread: Thread

    init {
        val format = MediaFormat.createVideoFormat(codec.mimeType, width, height).apply {
            setInteger(MediaFormat.KEY_COLOR_FORMAT, MediaCodecInfo.CodecCapabilities.COLOR_FormatSurface)
            setInteger(MediaFormat.KEY_BIT_RATE, bitrate)
            setInteger(MediaFormat.KEY_FRAME_RATE, framesPerSecond)
            // Key frames are made when they are asked for.
            setInteger(MediaFormat.KEY_I_FRAME_INTERVAL, 3600)
        }
        surface = created {
            try {
                encoder.configure(format, null, null, MediaCodec.CONFIGURE_FLAG_ENCODE)
                encoder.createInputSurface().also { encoder.start() }
            } catch (e: Throwable) {
                encoder.release()
                throw e
            }
        }
        thread = Thread(::run, "parley-encoder").apply { start() }
    }

    // A phone without the codec, or one that does not know the size: nobody has
    // anything to close then.
    private fun <T> created(make: () -> T): T =
        try {
            make()
        } catch (e: Throwable) {
            running = false
            source.close()
            throw e
        }

    private inner class Steering : VideoSourceListener {
        override fun onKeyFrameRequested() = parameter(MediaCodec.PARAMETER_KEY_REQUEST_SYNC_FRAME, 0)

        override fun onTargetBitrateChanged(bitsPerSecond: Int) = parameter(MediaCodec.PARAMETER_KEY_VIDEO_BITRATE, bitsPerSecond)

        private fun parameter(name: String, value: Int) {
            if (running) encoder.setParameters(Bundle().apply { putInt(name, value) })
        }
    }

    private fun run() {
        try {
            drain()
        } catch (_: IllegalStateException) {
            // The encoder was taken away: the call goes on without video.
        } catch (_: ParleyException) {
            // The client was closed first.
        }
    }

    private fun drain() {
        val info = MediaCodec.BufferInfo()
        while (running) {
            val at = encoder.dequeueOutputBuffer(info, WAIT_MICROS)
            if (at < 0) continue
            val buffer = encoder.getOutputBuffer(at)
            if (buffer != null) {
                // As ByteBuffer's own, which the compiler would take, they are newer than Android 5.
                val range: Buffer = buffer
                range.position(info.offset)
                range.limit(info.offset + info.size)
                val bytes = ByteArray(info.size).also { buffer.get(it) }
                give(bytes, info)
            }
            encoder.releaseOutputBuffer(at, false)
        }
    }

    private fun give(bytes: ByteArray, info: MediaCodec.BufferInfo) {
        if (info.flags and MediaCodec.BUFFER_FLAG_CODEC_CONFIG != 0) {
            if (source.codec == VideoCodec.H264) parameters = bytes
            return
        }
        val key = info.flags and MediaCodec.BUFFER_FLAG_KEY_FRAME != 0
        if (bytes.isNotEmpty()) source.send(if (key) parameters + bytes else bytes, info.presentationTimeUs, key)
    }

    /** Ends the encoder; calls go on without video. */
    @Synchronized
    override fun close() {
        if (!running) return
        running = false
        thread.join()
        source.close()
        encoder.stop()
        encoder.release()
        surface.release()
    }
}

/**
 * The phone's hardware decoder: shows the other side's video on a surface. To be
 * given as `CallOptions.video`. Where there is no picture to go on from (it was made
 * in the middle of a call, it met an error, it fell behind) the other side is asked
 * for a key frame.
 */
public class VideoDecoder(private val surface: Surface) : VideoListener, AutoCloseable {
    private var decoder: MediaCodec? = null
    private var codec: VideoCodec? = null
    private val info = MediaCodec.BufferInfo()

    // Nothing that comes can be decoded before a key frame.
    private var lost = true

    // The time of the frame for which a key frame was asked.
    private var asked: Long? = null

    @Synchronized
    override fun onVideoFrame(call: Call, frame: VideoFrame) {
        try {
            decode(frame)
        } catch (e: IllegalStateException) {
            // The decoder was taken away, or the surface: the next key frame begins anew.
            decoder?.release()
            decoder = null
            lost = true
        }
        if (lost && frame.codec != null) ask(call, frame)
    }

    /**
     * The library repeats a request until a key frame is there. When that was of no
     * use either, the next one waits for a second: a decoder that cannot decode shall
     * not make the other side send nothing but key frames.
     */
    private fun ask(call: Call, frame: VideoFrame) {
        val since = asked?.let { frame.timestampMicros - it }
        if (since != null && since in 0 until ASK_MICROS) return
        asked = try {
            call.requestKeyFrame()
            frame.timestampMicros
        } catch (_: ParleyException) {
            // The call ends, or its news is not here yet.
            null
        }
    }

    private fun decode(frame: VideoFrame) {
        val kind = frame.codec ?: return
        if (frame.isKeyFrame) {
            if (decoder == null || kind != codec) begin(kind, frame)
            lost = false
        } else if (kind != codec) {
            lost = true
        }
        val d = decoder ?: return
        show(d)
        if (lost) return
        val at = d.dequeueInputBuffer(WAIT_MICROS)
        if (at >= 0) {
            // It begins at 0.
            d.getInputBuffer(at)?.put(frame.data)
            d.queueInputBuffer(at, 0, frame.data.size, frame.timestampMicros, 0)
        } else {
            lost = true
        }
        show(d)
    }

    private fun begin(kind: VideoCodec, frame: VideoFrame) {
        lost = true
        release()
        val made = MediaCodec.createDecoderByType(kind.mimeType)
        try {
            made.configure(MediaFormat.createVideoFormat(kind.mimeType, maxOf(frame.width, 16), maxOf(frame.height, 16)), surface, null, 0)
            made.start()
        } catch (e: RuntimeException) {
            made.release()
            throw e
        }
        decoder = made
        codec = kind
    }

    private fun show(d: MediaCodec) {
        while (true) {
            val out = d.dequeueOutputBuffer(info, 0)
            if (out < 0) break
            d.releaseOutputBuffer(out, true)
        }
    }

    private fun release() {
        decoder?.stop()
        decoder?.release()
        decoder = null
    }

    /** Ends the decoder; the surface stays. */
    @Synchronized
    override fun close(): Unit = release()
}

private const val WAIT_MICROS = 10_000L
private const val ASK_MICROS = 1_000_000L
