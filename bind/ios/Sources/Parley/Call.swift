import Foundation
import ParleyCore

/// What starting and accepting a call have in common.
public struct CallOptions: Sendable {
    /// Begins with the microphone muted.
    public var isMuted = false
    /// Begins with the other side silent here.
    public var isIncomingMuted = false
    /// Connects the call to the microphone and the loudspeaker.
    public var usesAudio = true
    /// Lets the other side see this device's addresses before the call is accepted.
    public var sharesAddressEarly = false
    /// Sent as soon as the call is accepted.
    public var camera: VideoSource?
    /// Takes the other side's encoded frames on a thread of their own; a
    /// `VideoDecoder` for example. While it blocks, late frames are dropped.
    public var video: (@Sendable (VideoFrame) -> Void)?
    /// How often `CallEvent.stats` comes. Zero: never.
    public var statsInterval: TimeInterval = 0

    /// The defaults.
    public init() {}

    func settings(_ relay: CallRelay, _ cancel: ParleyMobileCanceler) -> ParleyMobileCallOptions {
        let settings: ParleyMobileCallOptions = ParleyMobileCallOptions()
        settings.muted = isMuted
        settings.incomingMuted = isIncomingMuted
        settings.noAudio = !usesAudio
        settings.shareAddressEarly = sharesAddressEarly
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
    /// Something is heard before it is accepted.
    case earlyMedia = 1
    /// It is being set up.
    case connecting = 2
    /// It rings at the other side.
    case ringing = 3
    /// They talk.
    case connected = 4
    /// It was put on hold here.
    case localHold = 5
    /// The other side has put it on hold.
    case remoteHold = 6
    /// Somebody has to let the user in.
    case inLobby = 7
    /// It is being ended.
    case disconnecting = 8
    /// It has ended.
    case disconnected = 9
}

/// The states of a call's media path.
public enum MediaState: Int32, Sendable {
    /// A path is looked for.
    case connecting = 1
    /// Media flows.
    case connected = 2
    /// The path was lost, and another one is looked for.
    case reconnecting = 3
}

/// What happens to a call, in order; the last one is `state(.disconnected)`, unless
/// the call's agent or client was closed.
public enum CallEvent: Sendable {
    /// The call has another state.
    case state(CallState)
    /// The media path has another state.
    case media(MediaState)
    /// The microphone, or the other side, was muted or is heard again.
    case muted(outgoing: Bool, incoming: Bool)
    /// Something about another side has changed.
    case participant(RemoteParticipant, ParticipantChange)
    /// A message came on a data channel.
    case data(DataMessage)
    /// Another side has pressed a key: 0–9, A–D, * or #.
    case tone(Character, from: RemoteParticipant)
    /// JSON with the names of webrtc-stats.
    case stats(String)
}

/// A message that was received on a data channel.
public struct DataMessage: Sendable {
    /// Who sent it; nil when that is not known.
    public let participant: RemoteParticipant?
    /// The channel it came on.
    public let channelID: Int
    /// Messages of this channel may get lost and come in another order.
    public let isLossy: Bool
    /// Counts the sender's messages on the channel from 1.
    public let sequence: Int64
    /// What was sent.
    public let data: Data
}

/// A conversation. It goes on when nobody holds this object; to end it, hang up.
/// Every method may be called on any thread or actor; those that wait throw
/// `ParleyError`, with `callEnded` once the call has ended.
public final class Call: @unchecked Sendable {
    let core: ParleyMobileCall
    private let relay: CallRelay

    /// What happens from the beginning on, for one reader; what nobody reads waits in
    /// memory. It ends with the call.
    public var events: AsyncStream<CallEvent> { relay.events.stream }

    init(_ core: ParleyMobileCall, relay: CallRelay) {
        self.core = core
        self.relay = relay
    }

    /// A UUID, the same at all ends.
    public var id: String { core.id_() }
    /// Where the call stands; `events` tells of every change.
    public var state: CallState { CallState(rawValue: core.state()) ?? .initial }
    /// Whether the other side has called.
    public var isIncoming: Bool { core.direction() == ParleyMobileCallDirectionIncoming }
    /// Whether the microphone is muted.
    public var isMuted: Bool { core.isMuted() }
    /// Whether the other side is silent here.
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

    /// Ends what `hold` began.
    public func resume() async throws {
        let core = self.core
        try await waiting { try core.resume() }
    }

    /// Mutes the microphone; the other side is told.
    public func mute() async throws {
        let core = self.core
        try await waiting { try core.mute() }
    }

    /// Ends what `mute` began.
    public func unmute() async throws {
        let core = self.core
        try await waiting { try core.unmute() }
    }

    /// Makes the other side silent here. Nobody is told.
    public func muteIncoming() async throws {
        let core = self.core
        try await waiting { try core.muteIncoming() }
    }

    /// Ends what `muteIncoming` began.
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

    /// Stops sending a camera's video; the camera may be used again.
    public func stopVideo(_ camera: VideoSource) async throws {
        let core = self.core
        try await waiting { try core.stopVideo(camera.core) }
    }

    /// Asks the other side for a key frame of its video now, for an application whose
    /// decoder was made anew or has met an error; `VideoDecoder` does it by itself. It
    /// never waits and may be called for every frame that cannot be decoded: until a
    /// key frame comes, frames go on and the request is repeated. Throws `ParleyError`,
    /// with `noSuchTrack` while the other side sends no video.
    public func requestKeyFrame() throws { try typed { try core.requestKeyFrame() } }

    /// Opens a sending data channel: 1 to 65,535, or 0 for one that is free. A lossy
    /// one sends nothing twice; a bitrate of 0 bit/s is the default.
    public func makeDataSender(channelID: Int = 0, isLossy: Bool = false, bitrate: Int = 0) throws -> DataSender {
        let sender: ParleyMobileDataSender = try typed {
            try core.newDataSender(Int32(clamping: channelID), lossy: isLossy, bitrate: Int32(clamping: bitrate))
        }
        return DataSender(sender)
    }
}

/// A sending data channel. It ends with the call.
public final class DataSender: @unchecked Sendable {
    let core: ParleyMobileDataSender

    init(_ core: ParleyMobileDataSender) { self.core = core }

    /// The channel's number, the one that was chosen for 0.
    public var channelID: Int { Int(core.channelID()) }

    /// Sends one message; waits while the channel's bitrate is used up. Throws
    /// `ParleyError` with `tooLarge` for more than 32 KiB.
    public func send(_ data: Data) async throws {
        let core = self.core
        try await waiting { try core.send(data) }
    }

    /// Closes the channel. Again, it does nothing.
    public func close() { core.close() }
}

/// What changed about a participant.
public enum ParticipantChange: Int32, Sendable {
    /// It takes part.
    case joined = 1
    /// It takes part no more.
    case left = 2
    /// `RemoteParticipant.state`.
    case state = 3
    /// `RemoteParticipant.isMuted`.
    case muted = 4
    /// `RemoteParticipant.isSpeaking`.
    case speaking = 5
    /// `RemoteParticipant.hasVideo`.
    case video = 6
}

/// The states of another side.
public enum ParticipantState: Int32, Sendable {
    /// Nothing is known yet.
    case idle = 0
    /// It is being called.
    case connecting = 1
    /// It rings there.
    case ringing = 2
    /// Something is heard before it has accepted.
    case earlyMedia = 3
    /// It takes part.
    case connected = 4
    /// It is on hold.
    case hold = 5
    /// It waits to be let in.
    case inLobby = 6
    /// It takes part no more.
    case disconnected = 7
}

/// Another side of a call. Its properties tell how it is now.
public final class RemoteParticipant: @unchecked Sendable {
    let core: ParleyMobileRemoteParticipant

    init(_ core: ParleyMobileRemoteParticipant) { self.core = core }

    /// The raw id, "8:acs:…".
    public var identifier: String { core.identifier() }
    /// The name that it gave; may be empty.
    public var displayName: String { core.displayName() }
    /// Whether it has muted its microphone.
    public var isMuted: Bool { core.isMuted() }
    /// Whether it is heard.
    public var isSpeaking: Bool { core.isSpeaking() }
    /// Whether it sends video.
    public var hasVideo: Bool { core.hasVideo() }
    /// Where it stands.
    public var state: ParticipantState { ParticipantState(rawValue: core.state()) ?? .idle }
    /// Nil while it takes part.
    public var endReason: EndReason? { core.endReason().map(EndReason.init) }
}

final class CallRelay: NSObject, ParleyMobileCallListener, ParleyMobileCallDataListener, ParleyMobileCallStatsListener, Ending {
    let events = Events<CallEvent>()

    func end() { events.finish() }

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
            isLossy: message.lossy, sequence: message.sequence, data: message.data ?? Data())))
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
