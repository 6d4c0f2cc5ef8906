package io.github.parleyrtc.android

import android.annotation.SuppressLint
import android.annotation.TargetApi
import android.content.Context
import android.media.AudioAttributes
import android.media.AudioDeviceCallback
import android.media.AudioDeviceInfo
import android.media.AudioFocusRequest
import android.media.AudioFormat
import android.media.AudioManager
import android.media.AudioRecord
import android.media.AudioTrack
import android.media.MediaRecorder
import android.media.audiofx.AcousticEchoCanceler
import android.media.audiofx.NoiseSuppressor
import android.os.Build
import android.os.Handler
import android.os.Looper
import android.os.Process
import io.github.parleyrtc.Audio

/**
 * The microphone and the loudspeaker of the phone, connected to [audio] with
 * AudioRecord and AudioTrack, the system's echo canceller and audio focus. Start
 * it when a call begins and close it when the last one has ended. It needs the
 * permission RECORD_AUDIO; without it the call hears and does not speak.
 *
 * @param telecom whether the calls are in the system's list of calls (a
 * ConnectionService): Telecom then has the audio mode and the focus, and says by
 * holding the call that something else has taken it. Asking for them here as well
 * would silence the call.
 */
public class AudioDevice @JvmOverloads constructor(
    context: Context,
    private val audio: Audio,
    private val telecom: Boolean = false,
) : AutoCloseable {
    private val manager = context.getSystemService(Context.AUDIO_SERVICE) as AudioManager
    private val main = Handler(Looper.getMainLooper())
    private val focus = Focus()

    @Volatile private var running = false
    private var threads = emptyList<Thread>()
    private var devices: AudioDeviceCallback? = null

    /** Takes the audio focus and starts both threads. A second call does nothing. */
    @Synchronized
    public fun start() {
        if (running) return
        running = true
        if (!telecom) {
            manager.mode = AudioManager.MODE_IN_COMMUNICATION
            focus.request()
        }
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.M) watchDevices()
        threads = listOf(thread("parley-microphone", ::capture), thread("parley-loudspeaker", ::play))
    }

    /**
     * Asks for the audio focus again, when the user looks at the call again for
     * example: whoever took it for good, such as a player of videos, is told to be
     * silent. Until then the call is heard beside it. False: it was not given,
     * because of a telephone call perhaps, or before [start], or with Telecom.
     */
    @Synchronized
    public fun takeFocus(): Boolean = running && !telecom && focus.request()

    /** Stops both threads, waits for them and gives the audio focus back. A second call does nothing. */
    @Synchronized
    override fun close() {
        if (!running) return
        running = false
        threads.forEach { it.join() }
        threads = emptyList()
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.M) devices?.let { manager.unregisterAudioDeviceCallback(it) }
        devices = null
        if (!telecom) {
            focus.abandon()
            manager.mode = AudioManager.MODE_NORMAL
        }
    }

    private fun thread(name: String, body: () -> Unit) = Thread({
        Process.setThreadPriority(Process.THREAD_PRIORITY_URGENT_AUDIO)
        try {
            body()
        } catch (_: SecurityException) {
            // No permission for the microphone: this direction stays silent.
        } catch (_: IllegalStateException) {
            // The device was taken away; the other direction goes on.
        }
    }, name).apply { start() }

    @SuppressLint("MissingPermission") // what is thrown without it is caught in thread
    private fun capture() {
        val format = AudioFormat.CHANNEL_IN_MONO
        val size = maxOf(2 * BLOCK, AudioRecord.getMinBufferSize(Audio.SAMPLE_RATE, format, AudioFormat.ENCODING_PCM_16BIT))
        val record = AudioRecord(
            MediaRecorder.AudioSource.VOICE_COMMUNICATION, Audio.SAMPLE_RATE, format, AudioFormat.ENCODING_PCM_16BIT, size,
        )
        var effects = emptyList<android.media.audiofx.AudioEffect>()
        try {
            effects = effects(record.audioSessionId)
            record.startRecording()
            val block = ByteArray(BLOCK)
            while (running) {
                // It fills the block, or fails.
                if (record.read(block, 0, block.size) == block.size) audio.write(block) else break
            }
            record.stop()
        } finally {
            effects.forEach { it.release() }
            record.release()
        }
    }

    private fun effects(session: Int): List<android.media.audiofx.AudioEffect> {
        val effects = mutableListOf<android.media.audiofx.AudioEffect>()
        if (AcousticEchoCanceler.isAvailable()) AcousticEchoCanceler.create(session)?.let { effects += it }
        if (NoiseSuppressor.isAvailable()) NoiseSuppressor.create(session)?.let { effects += it }
        effects.forEach { it.enabled = true }
        return effects
    }

    private fun play() {
        val format = AudioFormat.Builder()
            .setEncoding(AudioFormat.ENCODING_PCM_16BIT)
            .setSampleRate(Audio.SAMPLE_RATE)
            .setChannelMask(AudioFormat.CHANNEL_OUT_MONO)
            .build()
        val least = AudioTrack.getMinBufferSize(Audio.SAMPLE_RATE, AudioFormat.CHANNEL_OUT_MONO, AudioFormat.ENCODING_PCM_16BIT)
        val track = AudioTrack(voice, format, maxOf(2 * BLOCK, least), AudioTrack.MODE_STREAM, AudioManager.AUDIO_SESSION_ID_GENERATE)
        try {
            track.play()
            val block = ByteArray(BLOCK)
            while (running) {
                audio.read(block)
                // It waits until there is room: the loudspeaker is the clock.
                if (track.write(block, 0, block.size) < 0) break
            }
            track.stop()
        } finally {
            track.release()
        }
    }

    @TargetApi(Build.VERSION_CODES.M)
    private fun watchDevices() {
        val callback = object : AudioDeviceCallback() {
            override fun onAudioDevicesAdded(added: Array<out AudioDeviceInfo>?) = audio.routeChanged()
            override fun onAudioDevicesRemoved(removed: Array<out AudioDeviceInfo>?) = audio.routeChanged()
        }
        manager.registerAudioDeviceCallback(callback, main)
        devices = callback
    }

    /** Whoever else takes the audio focus for a while interrupts the call's audio, and not the call. */
    private inner class Focus : AudioManager.OnAudioFocusChangeListener {
        private var asked: Any? = null

        override fun onAudioFocusChange(change: Int) = when (change) {
            AudioManager.AUDIOFOCUS_LOSS_TRANSIENT -> audio.beginInterruption()
            // Lost for good, to a video for example: Android never says that this is
            // over, so the call goes on beside it.
            AudioManager.AUDIOFOCUS_GAIN, AudioManager.AUDIOFOCUS_LOSS -> audio.endInterruption()
            else -> Unit
        }

        fun request(): Boolean {
            val answer = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O) {
                val request = AudioFocusRequest.Builder(AudioManager.AUDIOFOCUS_GAIN_TRANSIENT)
                    .setAudioAttributes(voice)
                    .setOnAudioFocusChangeListener(this, main)
                    .build()
                asked = request
                manager.requestAudioFocus(request)
            } else {
                @Suppress("DEPRECATION")
                manager.requestAudioFocus(this, AudioManager.STREAM_VOICE_CALL, AudioManager.AUDIOFOCUS_GAIN_TRANSIENT)
            }
            val given = answer == AudioManager.AUDIOFOCUS_REQUEST_GRANTED
            // Who has it at once is not told so again.
            if (given) audio.endInterruption()
            return given
        }

        fun abandon() {
            val request = asked
            asked = null
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O && request is AudioFocusRequest) {
                manager.abandonAudioFocusRequest(request)
            } else {
                @Suppress("DEPRECATION")
                manager.abandonAudioFocus(this)
            }
            audio.endInterruption()
        }
    }

    private companion object {
        const val BLOCK = 10 * Audio.BYTES_PER_MILLISECOND

        val voice: AudioAttributes = AudioAttributes.Builder()
            .setUsage(AudioAttributes.USAGE_VOICE_COMMUNICATION)
            .setContentType(AudioAttributes.CONTENT_TYPE_SPEECH)
            .build()
    }
}
