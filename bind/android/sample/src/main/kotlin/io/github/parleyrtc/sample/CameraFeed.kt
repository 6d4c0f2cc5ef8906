package io.github.parleyrtc.sample

import android.annotation.SuppressLint
import android.content.Context
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.os.Handler
import android.os.HandlerThread
import android.view.Surface
import io.github.parleyrtc.Call
import io.github.parleyrtc.VideoFrame
import io.github.parleyrtc.VideoListener
import io.github.parleyrtc.android.VideoDecoder
import io.github.parleyrtc.android.VideoEncoder

/** The front camera, drawing into an encoder. */
class CameraFeed(context: Context, val encoder: VideoEncoder) : AutoCloseable {
    private val thread = HandlerThread("camera").apply { start() }
    private val handler = Handler(thread.looper)
    private var device: CameraDevice? = null

    init {
        open(context.getSystemService(Context.CAMERA_SERVICE) as CameraManager)
    }

    @SuppressLint("MissingPermission") // MainActivity asks for it
    private fun open(manager: CameraManager) {
        val front = manager.cameraIdList.firstOrNull {
            manager.getCameraCharacteristics(it).get(CameraCharacteristics.LENS_FACING) == CameraCharacteristics.LENS_FACING_FRONT
        } ?: return
        manager.openCamera(front, object : CameraDevice.StateCallback() {
            override fun onOpened(camera: CameraDevice) {
                device = camera
                @Suppress("DEPRECATION") // its successor needs Android 9
                camera.createCaptureSession(listOf(encoder.surface), Capture(camera), handler)
            }

            override fun onDisconnected(camera: CameraDevice) = camera.close()
            override fun onError(camera: CameraDevice, error: Int) = camera.close()
        }, handler)
    }

    private inner class Capture(private val camera: CameraDevice) : CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) {
            val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_RECORD).apply { addTarget(encoder.surface) }
            session.setRepeatingRequest(request.build(), null, handler)
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = camera.close()
    }

    override fun close() {
        device?.close()
        thread.quitSafely()
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
