package io.github.parleyrtc

import io.github.parleyrtc.mobile.EndReason as NativeEndReason
import io.github.parleyrtc.mobile.Mobile

/**
 * Why a call ended: a code and subcode of Azure Communication Services, 0/0 for
 * the ordinary end, and a sentence for a developer.
 *
 * @property code a code like a status of SIP; 0 for the ordinary end.
 * @property subcode says more than the code; 0 when there is no more.
 * @property message a sentence in English for a log, not for users.
 */
public data class EndReason(val code: Int, val subcode: Int, val message: String) {
    internal companion object {
        fun of(native: NativeEndReason?): EndReason =
            if (native == null) EndReason(0, 0, "") else EndReason(native.code, native.subcode, text(native.message))
    }
}

/** The state of a call; [Disconnected] is final. */
public sealed class CallState {
    /** Was just made. */
    public data object None : CallState()

    /** Plays an announcement before the call is connected. */
    public data object EarlyMedia : CallState()

    /** Is being set up. */
    public data object Connecting : CallState()

    /** An outgoing call that rings at the other side. */
    public data object Ringing : CallState()

    /** Has media. */
    public data object Connected : CallState()

    /** Was put on hold by this side, maybe by the other too. */
    public data object LocalHold : CallState()

    /** Was put on hold by the other side only. */
    public data object RemoteHold : CallState()

    /** Waits to be admitted. */
    public data object InLobby : CallState()

    /** Is being hung up. */
    public data object Disconnecting : CallState()

    /**
     * Is over.
     *
     * @property reason why the call ended.
     */
    public data class Disconnected(val reason: EndReason) : CallState()

    internal companion object {
        fun of(state: Int, reason: () -> NativeEndReason?): CallState = when (state) {
            Mobile.CallStateEarlyMedia -> EarlyMedia
            Mobile.CallStateConnecting -> Connecting
            Mobile.CallStateRinging -> Ringing
            Mobile.CallStateConnected -> Connected
            Mobile.CallStateLocalHold -> LocalHold
            Mobile.CallStateRemoteHold -> RemoteHold
            Mobile.CallStateInLobby -> InLobby
            Mobile.CallStateDisconnecting -> Disconnecting
            Mobile.CallStateDisconnected -> Disconnected(EndReason.of(reason()))
            else -> None
        }
    }
}

/** The state of a call's media path. */
public enum class MediaState(internal val number: Int) {
    /** Looks for a path. */
    CONNECTING(Mobile.MediaStateConnecting),

    /** Has a path. */
    CONNECTED(Mobile.MediaStateConnected),

    /** Lost its path and looks for another. */
    RECONNECTING(Mobile.MediaStateReconnecting),
}

/** The state of a participant. */
public enum class ParticipantState(internal val number: Int) {
    /** Has not been called yet. */
    IDLE(Mobile.ParticipantStateIdle),

    /** Is being called. */
    CONNECTING(Mobile.ParticipantStateConnecting),

    /** Is being alerted. */
    RINGING(Mobile.ParticipantStateRinging),

    /** Plays something before it takes the call. */
    EARLY_MEDIA(Mobile.ParticipantStateEarlyMedia),

    /** Is in the call. */
    CONNECTED(Mobile.ParticipantStateConnected),

    /** Holds the call. */
    HOLD(Mobile.ParticipantStateHold),

    /** Waits to be admitted. */
    IN_LOBBY(Mobile.ParticipantStateInLobby),

    /** Has left; final. */
    DISCONNECTED(Mobile.ParticipantStateDisconnected),
}

/**
 * Another side of a call, as it was when it was told.
 *
 * @property identifier the raw id, `8:acs:…`.
 * @property displayName the name that it gave, or nothing.
 * @property state where it stands in the call.
 * @property isMuted whether it has muted itself.
 * @property isSpeaking whether its voice is heard.
 * @property hasVideo whether it sends video.
 * @property endReason why it left; null while it has not.
 */
public data class RemoteParticipant(
    val identifier: String,
    val displayName: String,
    val state: ParticipantState,
    val isMuted: Boolean,
    val isSpeaking: Boolean,
    val hasVideo: Boolean,
    val endReason: EndReason?,
) {
    internal companion object {
        fun of(native: io.github.parleyrtc.mobile.RemoteParticipant): RemoteParticipant {
            val state = native.state().let { n -> ParticipantState.entries.find { it.number == n } ?: ParticipantState.IDLE }
            return RemoteParticipant(
                native.identifier(), native.displayName(), state, native.isMuted, native.isSpeaking, native.hasVideo(),
                if (state == ParticipantState.DISCONNECTED) EndReason.of(native.endReason()) else null,
            )
        }
    }
}

/** What changed about a participant. */
public enum class ParticipantChange(internal val number: Int) {
    /** Has come. */
    JOINED(Mobile.ParticipantChangeJoined),

    /** Has gone. */
    LEFT(Mobile.ParticipantChangeLeft),

    /** Has another state. */
    STATE(Mobile.ParticipantChangeState),

    /** Has muted or unmuted itself. */
    MUTED(Mobile.ParticipantChangeMuted),

    /** Began or stopped to speak. */
    SPEAKING(Mobile.ParticipantChangeSpeaking),

    /** Has started or stopped its video. */
    VIDEO(Mobile.ParticipantChangeVideo),
}
