package com.google.firebase.messaging;

import java.util.Map;

/** A stub, see FirebaseMessagingService. */
public final class RemoteMessage {
    public Map<String, String> getData() { return null; }
}
