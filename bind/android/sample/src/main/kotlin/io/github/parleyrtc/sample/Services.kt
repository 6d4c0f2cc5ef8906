package io.github.parleyrtc.sample

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.app.Service
import android.content.Context
import android.content.Intent
import android.os.IBinder
import com.google.firebase.messaging.FirebaseMessagingService
import com.google.firebase.messaging.RemoteMessage
import io.github.parleyrtc.ParleyException
import io.github.parleyrtc.Push
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/** Keeps the application alive and its microphone open as long as a call lasts. */
class OngoingCallService : Service() {
    override fun onBind(intent: Intent?): IBinder? = null

    override fun onStartCommand(intent: Intent?, flags: Int, startId: Int): Int {
        startForeground(1, notification(this, "A call is going on", CallActivity::class.java))
        return START_NOT_STICKY
    }

    companion object {
        fun start(context: Context) {
            context.startForegroundService(Intent(context, OngoingCallService::class.java))
        }

        fun stop(context: Context) {
            context.stopService(Intent(context, OngoingCallService::class.java))
        }
    }
}

/** A notification that opens a screen. */
fun notification(context: Context, text: String, opens: Class<*>): Notification {
    val manager = context.getSystemService(Context.NOTIFICATION_SERVICE) as NotificationManager
    manager.createNotificationChannel(NotificationChannel("calls", "Calls and messages", NotificationManager.IMPORTANCE_HIGH))
    return Notification.Builder(context, "calls")
        .setSmallIcon(android.R.drawable.sym_action_call)
        .setContentTitle("Parley")
        .setContentText(text)
        .setContentIntent(PendingIntent.getActivity(context, 0, Intent(context, opens), PendingIntent.FLAG_IMMUTABLE))
        .build()
}

/** Wakes the application for calls and messages. */
class PushService : FirebaseMessagingService() {
    override fun onNewToken(token: String) {
        val session = applicationContext.session
        session.scope.launch {
            try {
                val user = session.signIn()
                user.parley.registerPush(user.credential, session.pushDeviceId, token)
            } catch (e: Exception) {
                // Without an account or a network: the next sign-in registers.
            }
        }
    }

    // The system gives a message of high priority some seconds: this thread waits
    // until the call rings, which shows it.
    override fun onMessageReceived(message: RemoteMessage) {
        val push = try {
            Push.parse(message.data)
        } catch (e: ParleyException) {
            return
        }
        when (push) {
            is Push.Call -> runBlocking {
                try {
                    applicationContext.session.signIn().agent.awaitIncomingCall(push.callId, 8_000)
                } catch (e: Exception) {
                    missed(push)
                }
            }
            is Push.Chat -> show(2, "${push.senderDisplayName}: ${push.text}", ChatActivity::class.java)
            Push.Other -> Unit
        }
    }

    private fun missed(call: Push.Call) = show(3, "${call.displayName} has called", MainActivity::class.java)

    private fun show(id: Int, text: String, opens: Class<*>) {
        (getSystemService(Context.NOTIFICATION_SERVICE) as NotificationManager).notify(id, notification(this, text, opens))
    }
}
