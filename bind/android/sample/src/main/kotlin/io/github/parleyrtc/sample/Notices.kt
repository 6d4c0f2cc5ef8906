package io.github.parleyrtc.sample

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.app.Person
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.os.Build
import io.github.parleyrtc.IncomingCall

/** What the user is shown while the application is not. */
object Notices {
    const val ONGOING = 1
    const val MESSAGE = 2
    const val MISSED = 3
    private const val RINGING = 4

    private fun manager(context: Context): NotificationManager {
        val manager = context.getSystemService(Context.NOTIFICATION_SERVICE) as NotificationManager
        manager.createNotificationChannel(NotificationChannel("calls", "Calls", NotificationManager.IMPORTANCE_HIGH))
        manager.createNotificationChannel(NotificationChannel("messages", "Messages", NotificationManager.IMPORTANCE_DEFAULT))
        return manager
    }

    private fun opening(context: Context, screen: Class<*>, code: Int, fill: Intent.() -> Unit = {}) = PendingIntent.getActivity(
        context, code, Intent(context, screen).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK).apply(fill),
        PendingIntent.FLAG_IMMUTABLE or PendingIntent.FLAG_UPDATE_CURRENT,
    )

    private fun sending(context: Context, action: String) = PendingIntent.getBroadcast(
        context, 0, Intent(context, CallActions::class.java).setAction(action), PendingIntent.FLAG_IMMUTABLE,
    )

    private fun builder(context: Context, channel: String, text: String): Notification.Builder {
        manager(context)
        return Notification.Builder(context, channel)
            .setSmallIcon(android.R.drawable.sym_action_call)
            .setContentTitle("Parley")
            .setContentText(text)
    }

    /**
     * A call that rings: over the lock screen, or as a banner with two buttons. An
     * application in the background may not open a screen by itself.
     */
    fun ring(context: Context, call: IncomingCall) {
        val name = call.callerDisplayName.ifEmpty { call.callerId }
        val answer = opening(context, CallActivity::class.java, 1) { putExtra(CallActivity.ANSWER, true) }
        val reject = sending(context, CallActions.REJECT)
        val notice = builder(context, "calls", "$name calls")
            .setCategory(Notification.CATEGORY_CALL)
            .setOngoing(true)
            .setFullScreenIntent(opening(context, CallActivity::class.java, 0), true)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
            notice.setStyle(Notification.CallStyle.forIncomingCall(Person.Builder().setName(name).build(), reject, answer))
        } else {
            notice.addAction(Notification.Action.Builder(null, "Reject", reject).build())
            notice.addAction(Notification.Action.Builder(null, "Answer", answer).build())
        }
        manager(context).notify(RINGING, notice.build())
    }

    fun stopRinging(context: Context) = manager(context).cancel(RINGING)

    /** What the foreground service of a call shows. */
    fun ongoing(context: Context): Notification {
        val hangUp = sending(context, CallActions.HANG_UP)
        val notice = builder(context, "calls", "A call is going on")
            .setCategory(Notification.CATEGORY_CALL)
            .setContentIntent(opening(context, CallActivity::class.java, 0))
        return if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
            notice.setStyle(Notification.CallStyle.forOngoingCall(Person.Builder().setName("Parley").build(), hangUp)).build()
        } else {
            notice.addAction(Notification.Action.Builder(null, "Hang up", hangUp).build()).build()
        }
    }

    /** A call that was missed. */
    fun missed(context: Context, text: String) = show(context, MISSED, "calls", text, opening(context, MainActivity::class.java, 2))

    /** A message, which opens its thread. */
    fun message(context: Context, thread: String, text: String) =
        show(context, MESSAGE, "messages", text, opening(context, ChatActivity::class.java, 3) { putExtra(ChatActivity.THREAD, thread) })

    private fun show(context: Context, id: Int, channel: String, text: String, opens: PendingIntent) =
        manager(context).notify(id, builder(context, channel, text).setContentIntent(opens).setAutoCancel(true).build())
}

/** The buttons of notifications that open no screen. */
class CallActions : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        val session = context.session
        when (intent.action) {
            REJECT -> {
                Notices.stopRinging(context)
                session.attempt { session.user.value?.agent?.incomingCalls?.value?.firstOrNull()?.let { session.reject(it) } }
            }
            HANG_UP -> session.attempt { session.call.value?.hangUp() }
        }
    }

    companion object {
        const val REJECT = "io.github.parleyrtc.sample.REJECT"
        const val HANG_UP = "io.github.parleyrtc.sample.HANG_UP"
    }
}
