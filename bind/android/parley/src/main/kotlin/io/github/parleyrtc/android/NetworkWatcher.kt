package io.github.parleyrtc.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.Network
import android.net.NetworkCapabilities
import android.net.NetworkRequest
import android.os.Build
import io.github.parleyrtc.Parley

/**
 * Tells [parley] when the phone goes from one network to another, so that calls
 * and chat do not have to find out by silence. It needs ACCESS_NETWORK_STATE.
 */
public class NetworkWatcher(context: Context, private val parley: Parley) : AutoCloseable {
    private val manager = context.getSystemService(Context.CONNECTIVITY_SERVICE) as ConnectivityManager
    private var closed = false
    private val callback = object : ConnectivityManager.NetworkCallback() {
        // The network there was at the start is no change.
        @Suppress("DEPRECATION") // its successor needs Android 6
        private var first = manager.activeNetworkInfo?.isConnected == true

        override fun onAvailable(network: Network) {
            if (first) first = false else parley.networkChanged()
        }

        override fun onLost(network: Network) = parley.networkChanged()
    }

    init {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.N) {
            manager.registerDefaultNetworkCallback(callback)
        } else {
            val internet = NetworkRequest.Builder().addCapability(NetworkCapabilities.NET_CAPABILITY_INTERNET).build()
            manager.registerNetworkCallback(internet, callback)
        }
    }

    /** Stops watching. */
    @Synchronized
    override fun close() {
        if (!closed) manager.unregisterNetworkCallback(callback)
        closed = true
    }
}
