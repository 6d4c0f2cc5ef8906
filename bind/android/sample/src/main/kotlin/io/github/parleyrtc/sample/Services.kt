package io.github.parleyrtc.sample

import android.app.Service
import android.content.Context
import android.content.Intent
import android.content.pm.ServiceInfo
import android.os.Build
import android.os.IBinder
import android.util.Log
import com.google.firebase.messaging.FirebaseMessagingService
import com.google.firebase.messaging.RemoteMessage
import io.github.parleyrtc.ParleyException
import io.github.parleyrtc.Push
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/**
 * Keeps the application alive and its microphone open as long as a call lasts. It
 * ends itself: Android ends an application whose service is stopped by others
 * before it was a foreground service, as by a call that fails at once.
 */
class OngoingCallService : Service() {
    private val work = CoroutineScope(SupervisorJob())

    override fun onBind(intent: Intent?): IBinder? = null

    override fun onStartCommand(intent: Intent?, flags: Int, startId: Int): Int {
        val notice = Notices.ongoing(this)
        when {
            Build.VERSION.SDK_INT < Build.VERSION_CODES.R -> startForeground(Notices.ONGOING, notice)
            else -> try {
                val types = ServiceInfo.FOREGROUND_SERVICE_TYPE_PHONE_CALL or ServiceInfo.FOREGROUND_SERVICE_TYPE_MICROPHONE
                startForeground(Notices.ONGOING, notice, types)
            } catch (_: SecurityException) {
                // No permission for the microphone, or taken with a headset's button while no
                // screen was shown: the user hears, and speaks once a screen is.
                startForeground(Notices.ONGOING, notice, ServiceInfo.FOREGROUND_SERVICE_TYPE_PHONE_CALL)
            }
        }
        // With the number of this start: one for the next call that is on its way keeps it.
        work.launch {
            session.call.first { it == null }
            stopSelf(startId)
        }
        return START_NOT_STICKY
    }

    override fun onDestroy() {
        work.cancel()
        super.onDestroy()
    }

    companion object {
        fun start(context: Context) {
            try {
                context.startForegroundService(Intent(context, OngoingCallService::class.java))
            } catch (e: IllegalStateException) {
                // Android 12 and up, from the background: the call goes on without it.
                Log.w("Parley", "${e.message}")
            }
        }
    }
}

/** Wakes the application for calls and messages. */
class PushService : FirebaseMessagingService() {
    override fun onNewToken(token: String) {
        val session = applicationContext.session
        session.pushToken = token
        // Without an account or a network the next sign-in registers it.
        session.attempt { session.signIn() }
    }

    // A message of high priority wakes a phone that dozes and gives it 20 seconds, the
    // sign-in included: this thread waits until the call rings, which shows it.
    override fun onMessageReceived(message: RemoteMessage) {
        val push = try {
            Push.parse(message.data)
        } catch (e: ParleyException) {
            return
        }
        when (push) {
            is Push.Call -> runBlocking {
                try {
                    applicationContext.session.signIn().agent.awaitIncomingCall(push.callId, 15_000)
                } catch (e: Exception) {
                    Notices.missed(this@PushService, "${push.displayName} has called")
                }
            }
            is Push.Chat -> Notices.message(this, push.threadId, "${push.senderDisplayName}: ${push.text.ifEmpty { "a message" }}")
            Push.Other -> Unit
        }
    }
}
