package io.github.parleyrtc.android;

import android.content.Context;
import io.github.parleyrtc.Parley;

/** A network that does not change. */
public final class NetworkWatcher implements AutoCloseable {
    public NetworkWatcher(Context context, Parley parley) {}

    @Override public void close() {}
}
