package com.google.firebase.messaging;

/** A stub: as much of Firebase's class as the sample uses, to compile it where Google's registry is not at hand. */
public class FirebaseMessagingService extends android.app.Service {
    @Override public android.os.IBinder onBind(android.content.Intent intent) { return null; }

    public void onNewToken(String token) {}

    public void onMessageReceived(RemoteMessage message) {}
}
