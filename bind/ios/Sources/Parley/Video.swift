import Foundation
import ParleyCore

/// The codecs of video. Apple's hardware encodes H.264; VP8 and VP9 come from elsewhere.
public enum VideoCodec: Int32, Sendable {
    /// VP8.
    case vp8 = 1
    /// H.264: access units in Annex B form, key frames with SPS and PPS.
    case h264 = 2
    /// VP9.
    case vp9 = 3
    /// AV1.
    case av1 = 4
}

/// One encoded picture that was received.
public struct VideoFrame: Sendable {
    /// How it is encoded.
    public let codec: VideoCodec
    /// The frame, one access unit.
    public let data: Data
    /// Presentation time in microseconds from any zero point.
    public let timestamp: Int64
    /// Whether it can be decoded without those before.
    public let isKeyFrame: Bool
    /// In pixels; 0 when the frame does not tell.
    public let width: Int
    /// In pixels; 0 when the frame does not tell.
    public let height: Int
    let origin: FrameOrigin
}

/// The call that a frame came in, for a decoder that has lost the picture.
struct FrameOrigin: @unchecked Sendable {
    let call: ParleyMobileCall

    /// False: the call ends, or its news is not here yet.
    func requestKeyFrame() -> Bool { (try? call.requestKeyFrame()) != nil }
}

/// Video that the application has encoded. It may be given to several calls.
public final class VideoSource: @unchecked Sendable {
    let core: ParleyMobileVideoSource

    /// `keyFrameWanted` and `bitrateChanged` (bit/s) steer the encoder; they are called
    /// on threads of the library and must not block. Throws `ParleyError`.
    public init(
        _ client: Client, codec: VideoCodec,
        keyFrameWanted: @escaping @Sendable () -> Void = {}, bitrateChanged: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws {
        let relay = VideoSourceRelay(keyFrameWanted, bitrateChanged)
        core = try typed { try client.core.newVideoSource(codec.rawValue, listener: relay) }
    }

    /// Gives one encoded frame, in order, and never waits; the timestamp is in
    /// microseconds from any zero point. False: it was dropped, and a key frame has
    /// been asked for. Throws `ParleyError` once the source is closed.
    @discardableResult
    public func send(_ frame: Data, timestamp: Int64, isKeyFrame: Bool) throws -> Bool {
        let result = core.sendFrame(frame, timestamp: timestamp, keyFrame: isKeyFrame)
        if result < 0 {
            throw ParleyError(code: ParleyError.Code(rawValue: -result) ?? .unknown, message: "the frame was not taken")
        }
        return result == ParleyMobileFrameSent
    }

    /// Ends the source. Calls that send it go on without video. Again, it does nothing.
    public func close() { core.close() }

    deinit { core.close() }
}

final class VideoSourceRelay: NSObject, ParleyMobileVideoSourceListener {
    private let keyFrameWanted: @Sendable () -> Void
    private let bitrateChanged: @Sendable (Int) -> Void

    init(_ keyFrameWanted: @escaping @Sendable () -> Void, _ bitrateChanged: @escaping @Sendable (Int) -> Void) {
        self.keyFrameWanted = keyFrameWanted
        self.bitrateChanged = bitrateChanged
    }

    func onKeyFrameRequested() { keyFrameWanted() }
    func onTargetBitrateChanged(_ bitsPerSecond: Int32) { bitrateChanged(Int(bitsPerSecond)) }
}

final class VideoRelay: NSObject, ParleyMobileVideoListener {
    private let receive: @Sendable (VideoFrame) -> Void

    init(_ receive: @escaping @Sendable (VideoFrame) -> Void) { self.receive = receive }

    func onVideoFrame(_ call: ParleyMobileCall?, frame: ParleyMobileVideoFrame?) {
        guard let call = call, let frame = frame, let codec = VideoCodec(rawValue: frame.codec), let data = frame.data else { return }
        receive(VideoFrame(
            codec: codec, data: data, timestamp: frame.timestamp, isKeyFrame: frame.keyFrame,
            width: Int(frame.width), height: Int(frame.height), origin: FrameOrigin(call: call)))
    }
}
