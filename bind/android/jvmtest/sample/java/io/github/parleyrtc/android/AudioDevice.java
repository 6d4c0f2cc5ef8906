package io.github.parleyrtc.android;

import android.content.Context;
import io.github.parleyrtc.Audio;

/** Notes whether a call is heard, and whether that ends. */
public final class AudioDevice implements AutoCloseable {
    public AudioDevice(Context context, Audio audio, boolean telecom) {}

    public void start() {
        System.setProperty("audio", "started");
    }

    @Override public void close() {
        System.setProperty("audio", System.getProperty("audio", "") + " and closed");
    }
}
