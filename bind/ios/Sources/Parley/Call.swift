import Foundation
import ParleyCore

/// What starting and accepting a call have in common.
public struct CallOptions: Sendable {
    public var muted = false
    public var incomingMuted = false
    /// Connects the call neither to the microphone nor to the loudspeaker.
    public var noAudio = false
    public var shareAddressEarly = false
    /// Sent as soon as the call is accepted.
    public var camera: VideoSource?
    /// Takes the other side's encoded frames on a thread of their own; a
    /// `VideoDecoder` for example. While it blocks, late frames are dropped.
    public var video: (@Sendable (VideoFrame) -> Void)?
    /// How often `CallEvent.stats` comes. Zero: never.
    public var statsInterval: TimeInterval = 0

    public init() {}

    func settings(_ relay: CallRelay, _ cancel: ParleyMobileCanceler) -> ParleyMobileCallOptions {
        let settings: ParleyMobileCallOptions = ParleyMobileCallOptions()
        settings.muted = muted
        settings.incomingMuted = incomingMuted
        settings.noAudio = noAudio
        settings.shareAddressEarly = shareAddressEarly
        settings.camera = camera?.core
        settings.data = relay
        if let video = video { settings.video = VideoRelay(video) }
        if statsInterval > 0 {
            settings.stats = relay
            settings.statsInterval = milliseconds(statsInterval)
        }
        settings.canceler = cancel
        return settings
    }
}

/// The states of a call.
public enum CallState: Int32, Sendable {
    /// It was just made.
    case initial = 0
    case earlyMedia = 1
    case connecting = 2
    case ringing = 3
    case connected = 4
    case localHold = 5
    case remoteHold = 6
    case inLobby = 7
    case disconnecting = 8
    case disconnected = 9
}

/// The states of a call's media path.
public enum MediaState: Int32, Sendable {
    case connecting = 1
    case connected = 2
    case reconnecting = 3
}

/// What happens to a call, in order; the last one is `state(.disconnected)`.
public enum CallEvent: Sendable {
    case state(CallState)
    case media(MediaState)
    case muted(outgoing: Bool, incoming: Bool)
    case participant(RemoteParticipant, ParticipantChange)
    case data(DataMessage)
    case tone(Character, from: RemoteParticipant)
    /// JSON with the names of webrtc-stats.
    case stats(String)
}

/// A message that was received on a data channel.
public struct DataMessage: Sendable {
    public let participant: RemoteParticipant?
    public let channelID: Int
    public let lossy: Bool
    /// Counts the sender's messages on the channel from 1.
    public let sequence: Int64
    public let data: Data
}

/// A conversation.
public final class Call: @unchecked Sendable {
    let core: ParleyMobileCall
    private let relay: CallRelay

    /// What happens from the beginning on, for one reader. It ends with the call.
    public var events: AsyncStream<CallEvent> { relay.events.stream }

    init(_ core: ParleyMobileCall, relay: CallRelay) {
        self.core = core
        self.relay = relay
    }

    /// A UUID, the same at all ends.
    public var id: String { core.id_() }
    public var state: CallState { CallState(rawValue: core.state()) ?? .initial }
    public var isIncoming: Bool { core.direction() == ParleyMobileCallDirectionIncoming }
    public var isMuted: Bool { core.isMuted() }
    public var isIncomingMuted: Bool { core.isIncomingMuted() }
    /// JSON with the names of webrtc-stats; after the call, the last ones.
    public var stats: String { core.stats() }
    /// Nil while the call has not ended.
    public var endReason: EndReason? { core.endReason().map(EndReason.init) }

    /// The other sides.
    public var participants: [RemoteParticipant] {
        guard let list: ParleyMobileRemoteParticipantList = core.participants() else { return [] }
        return (0..<list.len()).compactMap { list.at($0).map(RemoteParticipant.init) }
    }

    /// Leaves the call; returns when it is disconnected.
    public func hangUp() async throws {
        let core = self.core
        try await waiting { try core.hangUp() }
    }

    /// Stops media both ways until `resume`.
    public func hold() async throws {
        let core = self.core
        try await waiting { try core.hold() }
    }

    public func resume() async throws {
        let core = self.core
        try await waiting { try core.resume() }
    }

    public func mute() async throws {
        let core = self.core
        try await waiting { try core.mute() }
    }

    public func unmute() async throws {
        let core = self.core
        try await waiting { try core.unmute() }
    }

    /// Makes the other side silent here. Nobody is told.
    public func muteIncoming() async throws {
        let core = self.core
        try await waiting { try core.muteIncoming() }
    }

    public func unmuteIncoming() async throws {
        let core = self.core
        try await waiting { try core.unmuteIncoming() }
    }

    /// Plays tones to the other side: 0–9, A–D, * and #.
    public func sendDTMF(_ tones: String) async throws {
        let core = self.core
        try await waiting { try core.sendDTMF(tones) }
    }

    /// Sends a camera's video; returns when the other side has agreed.
    public func startVideo(_ camera: VideoSource) async throws {
        let core = self.core
        try await waiting { try core.startVideo(camera.core) }
    }

    public func stopVideo(_ camera: VideoSource) async throws {
        let core = self.core
        try await waiting { try core.stopVideo(camera.core) }
    }

    /// Opens a sending data channel: 1 to 65,534, or 0 for one that is free.
    public func dataSender(channelID: Int = 0, lossy: Bool = false, bitrate: Int = 0) throws -> DataSender {
        let sender: ParleyMobileDataSender = try typed {
            try core.newDataSender(Int32(clamping: channelID), lossy: lossy, bitrate: Int32(clamping: bitrate))
        }
        return DataSender(sender)
    }
}

/// A sending data channel. It ends with the call.
public final class DataSender: @unchecked Sendable {
    let core: ParleyMobileDataSender

    init(_ core: ParleyMobileDataSender) { self.core = core }

    public var channelID: Int { Int(core.channelID()) }

    /// Sends one message; waits while the channel's bitrate is used up.
    public func send(_ data: Data) async throws {
        let core = self.core
        try await waiting { try core.send(data) }
    }

    public func close() { core.close() }
}

/// What changed about a participant.
public enum ParticipantChange: Int32, Sendable {
    case joined = 1
    case left = 2
    case state = 3
    case muted = 4
    case speaking = 5
    case video = 6
}

/// The states of another side.
public enum ParticipantState: Int32, Sendable {
    case idle = 0
    case connecting = 1
    case ringing = 2
    case earlyMedia = 3
    case connected = 4
    case hold = 5
    case inLobby = 6
    case disconnected = 7
}

/// Another side of a call.
public final class RemoteParticipant: @unchecked Sendable {
    let core: ParleyMobileRemoteParticipant

    init(_ core: ParleyMobileRemoteParticipant) { self.core = core }

    public var identifier: String { core.identifier() }
    public var displayName: String { core.displayName() }
    public var isMuted: Bool { core.isMuted() }
    public var isSpeaking: Bool { core.isSpeaking() }
    public var hasVideo: Bool { core.hasVideo() }
    public var state: ParticipantState { ParticipantState(rawValue: core.state()) ?? .idle }
    /// Nil while it takes part.
    public var endReason: EndReason? { core.endReason().map(EndReason.init) }
}

final class CallRelay: NSObject, ParleyMobileCallListener, ParleyMobileCallDataListener, ParleyMobileCallStatsListener {
    let events = Events<CallEvent>()

    func onCallStateChanged(_ call: ParleyMobileCall?, state: Int32) {
        let state = CallState(rawValue: state) ?? .initial
        events.tell(.state(state))
        if state == .disconnected { events.finish() }
    }

    func onMediaStateChanged(_ call: ParleyMobileCall?, state: Int32) {
        if let state = MediaState(rawValue: state) { events.tell(.media(state)) }
    }

    func onMutedChanged(_ call: ParleyMobileCall?, muted: Bool, incomingMuted: Bool) {
        events.tell(.muted(outgoing: muted, incoming: incomingMuted))
    }

    func onParticipantChanged(_ call: ParleyMobileCall?, participant: ParleyMobileRemoteParticipant?, change: Int32) {
        if let participant = participant, let change = ParticipantChange(rawValue: change) {
            events.tell(.participant(RemoteParticipant(participant), change))
        }
    }

    func onDataReceived(_ call: ParleyMobileCall?, message: ParleyMobileDataMessage?) {
        guard let message = message else { return }
        events.tell(.data(DataMessage(
            participant: message.participant.map(RemoteParticipant.init), channelID: Int(message.channelID),
            lossy: message.lossy, sequence: message.sequence, data: message.data ?? Data())))
    }

    func onToneReceived(_ call: ParleyMobileCall?, participant: ParleyMobileRemoteParticipant?, tone: String?) {
        if let participant = participant, let tone = tone?.first {
            events.tell(.tone(tone, from: RemoteParticipant(participant)))
        }
    }

    func onCallStats(_ call: ParleyMobileCall?, stats: String?) {
        if let stats = stats { events.tell(.stats(stats)) }
    }
}
