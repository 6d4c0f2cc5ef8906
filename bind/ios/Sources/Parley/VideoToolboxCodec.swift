import CoreMedia
import Foundation
import ParleyCore
import VideoToolbox

// H.264 by the phone's hardware. The library carries Annex B (start codes, SPS
// and PPS before key frames); VideoToolbox wants lengths and a format
// description, so both ways are turned into each other here.

/// Encodes pictures of a camera for a `VideoSource`. One thread at a time calls
/// `encode` and `close`.
public final class VideoEncoder: @unchecked Sendable {
    /// What is given to calls.
    public let source: VideoSource
    private let steering: Steering
    private let width: Int32
    private let height: Int32
    private let frameRate: Int
    private var session: VTCompressionSession?
    private var bitrate = 0
    private var isClosed = false

    /// Makes an encoder for pictures of this size, in pixels. Throws `ParleyError`,
    /// with `unsupported` when the phone cannot encode that.
    public init(_ client: Client, width: Int32, height: Int32, frameRate: Int = 30) throws {
        let steering = Steering()
        self.steering = steering
        self.width = width
        self.height = height
        self.frameRate = frameRate
        source = try VideoSource(
            client, codec: .h264,
            keyFrameWanted: { steering.wantKeyFrame() }, bitrateChanged: { steering.setBitrate($0) })
        let status = open()
        guard session != nil else {
            throw ParleyError(code: .unsupported, message: "VTCompressionSessionCreate gives \(status)")
        }
    }

    private func open() -> OSStatus {
        var made: VTCompressionSession?
        let status = VTCompressionSessionCreate(
            allocator: nil, width: width, height: height, codecType: kCMVideoCodecType_H264, encoderSpecification: nil,
            imageBufferAttributes: nil, compressedDataAllocator: nil, outputCallback: nil, refcon: nil, compressionSessionOut: &made)
        guard status == noErr, let session = made else { return status }
        self.session = session
        bitrate = 0
        // A property that a device does not know is no reason to go without video.
        VTSessionSetProperty(session, key: kVTCompressionPropertyKey_RealTime, value: kCFBooleanTrue)
        VTSessionSetProperty(session, key: kVTCompressionPropertyKey_AllowFrameReordering, value: kCFBooleanFalse)
        VTSessionSetProperty(session, key: kVTCompressionPropertyKey_ProfileLevel, value: kVTProfileLevel_H264_ConstrainedBaseline_AutoLevel)
        VTSessionSetProperty(session, key: kVTCompressionPropertyKey_ExpectedFrameRate, value: frameRate as CFNumber)
        VTSessionSetProperty(session, key: kVTCompressionPropertyKey_MaxKeyFrameIntervalDuration, value: 10 as CFNumber)
        return VTCompressionSessionPrepareToEncodeFrames(session)
    }

    /// Encodes one picture. A picture that cannot be encoded is left out.
    public func encode(_ picture: CVPixelBuffer, at time: CMTime) {
        if session == nil, !isClosed { _ = open() }
        guard let session = session else { return }
        let (keyFrame, wanted) = steering.take()
        if wanted > 0, wanted != bitrate {
            bitrate = wanted
            VTSessionSetProperty(session, key: kVTCompressionPropertyKey_AverageBitRate, value: wanted as CFNumber)
        }
        let properties = keyFrame ? [kVTEncodeFrameOptionKey_ForceKeyFrame: kCFBooleanTrue as Any] as CFDictionary : nil
        let source = self.source
        let status = VTCompressionSessionEncodeFrame(
            session, imageBuffer: picture, presentationTimeStamp: time, duration: .invalid, frameProperties: properties, infoFlagsOut: nil
        ) { status, _, sample in
            guard status == noErr, let sample = sample, let (frame, isKey) = AnnexB.frame(sample) else { return }
            let time = CMTimeConvertScale(sample.presentationTimeStamp, timescale: 1_000_000, method: .default)
            guard time.flags.contains(.valid) else { return }
            // A source that was closed meanwhile takes no more.
            _ = try? source.send(frame, timestamp: time.value, isKeyFrame: isKey)
        }
        // iOS takes the hardware from an application in the background.
        if status == kVTInvalidSessionErr {
            end()
            steering.wantKeyFrame()
        }
    }

    private func end() {
        if let session = session { VTCompressionSessionInvalidate(session) }
        session = nil
    }

    /// Ends the encoder and its source. Again, it does nothing.
    public func close() {
        isClosed = true
        end()
        source.close()
    }

    deinit { close() }

    /// What the library asks of the encoder, between its threads and the camera's.
    private final class Steering: @unchecked Sendable {
        private let lock = NSLock()
        private var keyFrame = true
        private var bitrate = 0

        func wantKeyFrame() {
            lock.lock()
            keyFrame = true
            lock.unlock()
        }

        func setBitrate(_ bitsPerSecond: Int) {
            lock.lock()
            bitrate = bitsPerSecond
            lock.unlock()
        }

        func take() -> (keyFrame: Bool, bitrate: Int) {
            lock.lock()
            defer { lock.unlock() }
            defer { keyFrame = false }
            return (keyFrame, bitrate)
        }
    }
}

/// Decodes the H.264 of one call; give `decode` to `CallOptions.video`, which calls
/// it on one thread. Pictures come on a thread of VideoToolbox. Where there is no
/// picture to go on from (a decoder that was made in the middle of a call, an error,
/// an application that comes back from the background) the other side is asked for a
/// key frame.
public final class VideoDecoder: @unchecked Sendable {
    private let picture: @Sendable (CVImageBuffer, CMTime) -> Void
    private var format: CMVideoFormatDescription?
    private var session: VTDecompressionSession?
    private let asking = Asking()

    /// Makes a decoder; `picture` has each picture and the sender's time for it.
    public init(_ picture: @escaping @Sendable (CVImageBuffer, CMTime) -> Void) { self.picture = picture }

    /// Takes the frames of one call, in order. Others than H.264 are left out.
    public func decode(_ frame: VideoFrame) {
        guard frame.codec == .h264 else { return }
        let units = AnnexB.units(frame.data)
        if frame.isKeyFrame {
            // What has met an error may not get over it by itself.
            if asking.isToBeginAnew() { close() }
            renew(units)
        }
        var status = give(units, of: frame)
        // iOS takes the hardware from an application in the background.
        if status == kVTInvalidSessionErr {
            close()
            if frame.isKeyFrame {
                renew(units)
                status = give(units, of: frame)
            }
        }
        if status != noErr { asking.ask(frame) }
    }

    private func give(_ units: [Data], of frame: VideoFrame) -> OSStatus {
        guard let session = session, let format = format else { return kVTInvalidSessionErr }
        guard let sample = AnnexB.sample(units, format: format, timestamp: frame.timestamp) else { return kCMFormatDescriptionError_InvalidParameter }
        let picture = self.picture
        let asking = self.asking
        return VTDecompressionSessionDecodeFrame(session, sampleBuffer: sample, flags: [._EnableAsynchronousDecompression], infoFlagsOut: nil) {
            status, _, image, time, _ in
            if status != noErr { asking.ask(frame) }
            if status == noErr, let image = image { picture(image, time) }
        }
    }

    /// Asks for key frames, from the threads of the library and of VideoToolbox. The
    /// library repeats a request until a key frame is there; when that was of no use
    /// either, the next one waits for a second, so that a decoder that cannot decode
    /// does not make the other side send nothing but key frames.
    private final class Asking: @unchecked Sendable {
        private let lock = NSLock()
        private var last: Int64?
        private var failed = false

        func ask(_ frame: VideoFrame) {
            lock.lock()
            defer { lock.unlock() }
            failed = true
            if let last = last, (0..<1_000_000).contains(frame.timestamp - last) { return }
            last = frame.origin.requestKeyFrame() ? frame.timestamp : nil
        }

        /// Whether there was an error since it was asked for the last time.
        func isToBeginAnew() -> Bool {
            lock.lock()
            defer { lock.unlock() }
            defer { failed = false }
            return failed
        }
    }

    /// A key frame may bring another size.
    private func renew(_ units: [Data]) {
        guard let sps = units.first(where: { AnnexB.kind($0) == 7 }), let pps = units.first(where: { AnnexB.kind($0) == 8 }) else { return }
        guard let described = AnnexB.describe(sps: sps, pps: pps) else { return }
        if let session = session, VTDecompressionSessionCanAcceptFormatDescription(session, formatDescription: described) {
            format = described
            return
        }
        close()
        var made: VTDecompressionSession?
        let status = VTDecompressionSessionCreate(
            allocator: nil, formatDescription: described, decoderSpecification: nil, imageBufferAttributes: nil,
            outputCallback: nil, decompressionSessionOut: &made)
        guard status == noErr else { return }
        format = described
        session = made
    }

    /// Lets the hardware go; the next key frame begins anew.
    public func close() {
        if let session = session { VTDecompressionSessionInvalidate(session) }
        session = nil
        format = nil
    }

    deinit { close() }
}

/// The two forms of H.264: units behind start codes, and units behind lengths.
enum AnnexB {
    private static let start: [UInt8] = [0, 0, 0, 1]
    private static let lengthSize = 4

    /// The type of a unit (H.264 7.4.1): 5 key picture, 7 SPS, 8 PPS.
    static func kind(_ unit: Data) -> UInt8 { (unit.first ?? 0) & 0x1f }

    /// Splits a frame at its start codes, of three or four bytes.
    static func units(_ frame: Data) -> [Data] {
        let bytes = [UInt8](frame)
        var units: [Data] = []
        var begin: Int?
        var i = 0
        while i + 2 < bytes.count {
            if bytes[i] == 0, bytes[i + 1] == 0, bytes[i + 2] == 1 {
                if let begin = begin { units.append(trimmed(bytes[begin..<i])) }
                begin = i + 3
                i += 3
            } else {
                i += 1
            }
        }
        if let begin = begin, begin < bytes.count { units.append(trimmed(bytes[begin...])) }
        return units.filter { !$0.isEmpty }
    }

    /// The zero before a start code of four bytes, and trailing zeros, are no part of a unit.
    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> Data {
        var end = bytes.endIndex
        while end > bytes.startIndex, bytes[end - 1] == 0 { end -= 1 }
        return Data(bytes[bytes.startIndex..<end])
    }

    /// What the encoder has made as a frame of the library.
    static func frame(_ sample: CMSampleBuffer) -> (Data, Bool)? {
        guard let block = CMSampleBufferGetDataBuffer(sample), let format = CMSampleBufferGetFormatDescription(sample) else { return nil }
        let attachments = CMSampleBufferGetSampleAttachmentsArray(sample, createIfNecessary: false) as? [[CFString: Any]]
        let isKey = !(attachments?.first?[kCMSampleAttachmentKey_NotSync] as? Bool ?? false)
        var frame = Data()
        if isKey {
            for index in 0..<2 {
                var pointer: UnsafePointer<UInt8>?
                var size = 0
                guard CMVideoFormatDescriptionGetH264ParameterSetAtIndex(
                    format, parameterSetIndex: index, parameterSetPointerOut: &pointer, parameterSetSizeOut: &size,
                    parameterSetCountOut: nil, nalUnitHeaderLengthOut: nil) == noErr, let set = pointer else { return nil }
                frame.append(contentsOf: start)
                frame.append(set, count: size)
            }
        }
        var data = Data(count: CMBlockBufferGetDataLength(block))
        let copied = data.withUnsafeMutableBytes { memory -> OSStatus in
            guard let base = memory.baseAddress else { return kCMBlockBufferBadCustomBlockSourceErr }
            return CMBlockBufferCopyDataBytes(block, atOffset: 0, dataLength: memory.count, destination: base)
        }
        guard copied == noErr else { return nil }
        var at = 0
        while at + lengthSize <= data.count {
            let length = data[at..<at + lengthSize].reduce(0) { $0 << 8 | Int($1) }
            at += lengthSize
            guard length > 0, length <= data.count - at else { return nil }
            frame.append(contentsOf: start)
            frame.append(data[at..<at + length])
            at += length
        }
        return (frame, isKey)
    }

    /// What the decoder wants to know before the first frame.
    static func describe(sps: Data, pps: Data) -> CMVideoFormatDescription? {
        var format: CMVideoFormatDescription?
        let status = sps.withUnsafeBytes { (s: UnsafeRawBufferPointer) -> OSStatus in
            pps.withUnsafeBytes { (p: UnsafeRawBufferPointer) -> OSStatus in
                guard let sp = s.bindMemory(to: UInt8.self).baseAddress, let pp = p.bindMemory(to: UInt8.self).baseAddress else {
                    return kCMFormatDescriptionError_InvalidParameter
                }
                return CMVideoFormatDescriptionCreateFromH264ParameterSets(
                    allocator: nil, parameterSetCount: 2, parameterSetPointers: [sp, pp], parameterSetSizes: [sps.count, pps.count],
                    nalUnitHeaderLength: Int32(lengthSize), formatDescriptionOut: &format)
            }
        }
        return status == noErr ? format : nil
    }

    /// A frame as the decoder takes it.
    static func sample(_ units: [Data], format: CMVideoFormatDescription, timestamp: Int64) -> CMSampleBuffer? {
        var bytes = Data()
        for unit in units where kind(unit) != 7 && kind(unit) != 8 {
            withUnsafeBytes(of: UInt32(unit.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(unit)
        }
        var block: CMBlockBuffer?
        guard CMBlockBufferCreateWithMemoryBlock(
            allocator: nil, memoryBlock: nil, blockLength: bytes.count, blockAllocator: nil, customBlockSource: nil,
            offsetToData: 0, dataLength: bytes.count, flags: kCMBlockBufferAssureMemoryNowFlag, blockBufferOut: &block) == noErr,
            let buffer = block else { return nil }
        let copied = bytes.withUnsafeBytes { memory -> OSStatus in
            guard let base = memory.baseAddress else { return kCMBlockBufferBadCustomBlockSourceErr }
            return CMBlockBufferReplaceDataBytes(with: base, blockBuffer: buffer, offsetIntoDestination: 0, dataLength: memory.count)
        }
        guard copied == noErr else { return nil }
        var timing = CMSampleTimingInfo(
            duration: .invalid, presentationTimeStamp: CMTime(value: timestamp, timescale: 1_000_000), decodeTimeStamp: .invalid)
        var size = bytes.count
        var sample: CMSampleBuffer?
        let status = CMSampleBufferCreateReady(
            allocator: nil, dataBuffer: buffer, formatDescription: format, sampleCount: 1, sampleTimingEntryCount: 1,
            sampleTimingArray: &timing, sampleSizeEntryCount: 1, sampleSizeArray: &size, sampleBufferOut: &sample)
        return status == noErr ? sample : nil
    }
}
