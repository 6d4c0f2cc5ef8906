package io.github.parleyrtc.sample

import android.annotation.SuppressLint
import android.content.Context
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.os.Handler
import android.os.HandlerThread
import android.view.Surface
import io.github.parleyrtc.Call
import io.github.parleyrtc.Parley
import io.github.parleyrtc.VideoCodec
import io.github.parleyrtc.VideoFrame
import io.github.parleyrtc.VideoListener
import io.github.parleyrtc.android.VideoDecoder
import io.github.parleyrtc.android.VideoEncoder

/** The front camera, drawing into an encoder. What a failure would leave behind it closes. */
class CameraFeed(context: Context, parley: Parley) : AutoCloseable {
    val encoder = VideoEncoder(parley, VideoCodec.H264)
    private val thread = HandlerThread("camera").apply { start() }
    private val handler = Handler(thread.looper)
    private var device: CameraDevice? = null
    private var opening = false
    private var closed = false

    init {
        try {
            open(context.getSystemService(Context.CAMERA_SERVICE) as CameraManager)
        } catch (e: Throwable) {
            close()
            throw e
        }
    }

    @Synchronized
    @SuppressLint("MissingPermission") // MainActivity asks for it
    private fun open(manager: CameraManager) {
        val front = manager.cameraIdList.firstOrNull {
            manager.getCameraCharacteristics(it).get(CameraCharacteristics.LENS_FACING) == CameraCharacteristics.LENS_FACING_FRONT
        } ?: return
        manager.openCamera(front, Opened(), handler)
        opening = true
    }

    // The camera is opened after close perhaps; the thread that is told so waits for it.
    private inner class Opened : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) = using(camera) {
            device = camera
            @Suppress("DEPRECATION") // its successor needs Android 9
            camera.createCaptureSession(listOf(encoder.surface), Capture(camera), handler)
        }

        override fun onDisconnected(camera: CameraDevice) = camera.close()
        override fun onError(camera: CameraDevice, error: Int) = camera.close()

        override fun onClosed(camera: CameraDevice) {
            thread.quitSafely()
        }
    }

    private inner class Capture(private val camera: CameraDevice) : CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) = using(camera) {
            val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_RECORD).apply { addTarget(encoder.surface) }
            session.setRepeatingRequest(request.build(), null, handler)
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = camera.close()
    }

    @Synchronized
    private fun using(camera: CameraDevice, action: () -> Unit) {
        if (closed) return camera.close()
        try {
            action()
        } catch (_: CameraAccessException) {
            camera.close()
        } catch (_: IllegalStateException) {
            camera.close()
        }
    }

    override fun close() {
        synchronized(this) {
            closed = true
            device?.close()
            if (!opening) thread.quitSafely()
        }
        encoder.close()
    }
}

/** The other side's picture, wherever it is shown now. */
class Picture : VideoListener {
    private var decoder: VideoDecoder? = null

    @Synchronized
    override fun onVideoFrame(call: Call, frame: VideoFrame) {
        decoder?.onVideoFrame(call, frame)
    }

    @Synchronized
    fun show(surface: Surface) {
        decoder = VideoDecoder(surface)
    }

    @Synchronized
    fun hide() {
        decoder?.close()
        decoder = null
    }
}
