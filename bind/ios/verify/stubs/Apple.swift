// Stands in for Apple's frameworks in verify/swift: the names that the Swift layer
// uses, with the types that Apple's documentation gives them. Nothing of it runs,
// but for CallKit, which keeps what it was told for callkit.swift.

import Foundation

public typealias OSStatus = Int32
public let noErr: OSStatus = 0

// Foundation of Apple has these and Foundation of Linux does not.
public typealias CFString = NSString
public typealias CFDictionary = NSDictionary
public typealias CFNumber = NSNumber
public typealias CFBoolean = NSNumber
public typealias CFTypeRef = AnyObject
public let kCFBooleanTrue: CFBoolean? = nil
public let kCFBooleanFalse: CFBoolean? = nil

// UIKit

public class UIApplication: NSObject {
    public static let willEnterForegroundNotification = Notification.Name("")
    public static let didEnterBackgroundNotification = Notification.Name("")
    public static let didReceiveMemoryWarningNotification = Notification.Name("")
}

// Network

public struct NWInterface { public let name: String }
public struct NWPath {
    public enum Status { case satisfied, unsatisfied, requiresConnection }
    public let status: Status
    public let availableInterfaces: [NWInterface]
}
public final class NWPathMonitor {
    public var pathUpdateHandler: (@Sendable (NWPath) -> Void)?
    public init() {}
    public func start(queue: DispatchQueue) {}
    public func cancel() {}
}

// AVFoundation

public let AVAudioSessionInterruptionTypeKey = ""
public class AVAudioSession: NSObject {
    public enum Category { case playAndRecord }
    public enum Mode { case voiceChat, videoChat }
    public enum InterruptionType: UInt { case began = 1, ended = 0 }
    public struct CategoryOptions: OptionSet {
        public let rawValue: UInt
        public init(rawValue: UInt) { self.rawValue = rawValue }
        public static let allowBluetooth = CategoryOptions(rawValue: 4)
    }
    public static let interruptionNotification = Notification.Name("")
    public static let routeChangeNotification = Notification.Name("")
    public static let mediaServicesWereResetNotification = Notification.Name("")
    public class func sharedInstance() -> AVAudioSession { fatalError() }
    public func setCategory(_ category: Category, mode: Mode, options: CategoryOptions = []) throws {}
    public func setPreferredSampleRate(_ rate: Double) throws {}
    public func setPreferredIOBufferDuration(_ duration: TimeInterval) throws {}
    public func setActive(_ active: Bool) throws {}
}

// PushKit

public struct PKPushType: Hashable { public static let voIP = PKPushType() }
public class PKPushCredentials: NSObject { public var token: Data { Data() } }
public class PKPushPayload: NSObject { public var dictionaryPayload: [AnyHashable: Any] = [:] }
public protocol PKPushRegistryDelegate: NSObjectProtocol {
    func pushRegistry(_ registry: PKPushRegistry, didUpdate credentials: PKPushCredentials, for type: PKPushType)
    func pushRegistry(_ registry: PKPushRegistry, didInvalidatePushTokenFor type: PKPushType)
    func pushRegistry(
        _ registry: PKPushRegistry, didReceiveIncomingPushWith payload: PKPushPayload, for type: PKPushType, completion: @escaping () -> Void)
}
public class PKPushRegistry: NSObject {
    public weak var delegate: PKPushRegistryDelegate?
    public var desiredPushTypes: Set<PKPushType>?
    public init(queue: DispatchQueue?) {}
}

// CallKit

public class CXHandle: NSObject {
    public enum HandleType: Int { case generic = 1, phoneNumber, emailAddress }
    public let value = ""
    public init(type: HandleType, value: String) {}
}
public class CXCallUpdate: NSObject {
    public var remoteHandle: CXHandle?
    public var localizedCallerName: String?
    public var hasVideo = false
    public var supportsHolding = false
    public var supportsDTMF = false
    public var supportsGrouping = false
    public var supportsUngrouping = false
}
public class CXProviderConfiguration: NSObject {
    public override init() {}
    public init(localizedName: String) {}
    public var supportsVideo = false
    public var maximumCallGroups = 0
    public var maximumCallsPerCallGroup = 0
    public var supportedHandleTypes: Set<CXHandle.HandleType> = []
}
public enum CXCallEndedReason: Int { case failed = 1, remoteEnded, unanswered, answeredElsewhere, declinedElsewhere }
public class CXAction: NSObject {
    public var outcome = ""
    public func fulfill() { outcome += "fulfilled" }
    public func fail() { outcome += "failed" }
}
public class CXCallAction: CXAction {
    public let callUUID: UUID
    public init(call: UUID) { callUUID = call }
}
public class CXStartCallAction: CXCallAction {
    public let handle: CXHandle
    public var isVideo = false
    public init(call: UUID, handle: CXHandle) {
        self.handle = handle
        super.init(call: call)
    }
}
public class CXAnswerCallAction: CXCallAction {}
public class CXEndCallAction: CXCallAction {}
public class CXSetHeldCallAction: CXCallAction { public var isOnHold = false }
public class CXSetMutedCallAction: CXCallAction { public var isMuted = false }
public class CXPlayDTMFCallAction: CXCallAction { public var digits = "" }
public class CXTransaction: NSObject { public init(action: CXAction) {} }
public class CXCallController: NSObject {
    public override init() {}
    public func request(_ transaction: CXTransaction, completion: @escaping (Error?) -> Void) {}
}
public struct CXErrorCodeIncomingCallError: Error {
    public enum Code: Int { case unknown, unentitled, callUUIDAlreadyExists, filteredByDoNotDisturb, filteredByBlockList }
    public var code: Code { .callUUIDAlreadyExists }
}
public protocol CXProviderDelegate: NSObjectProtocol {
    func providerDidReset(_ provider: CXProvider)
    func provider(_ provider: CXProvider, perform action: CXStartCallAction)
    func provider(_ provider: CXProvider, perform action: CXAnswerCallAction)
    func provider(_ provider: CXProvider, perform action: CXEndCallAction)
    func provider(_ provider: CXProvider, perform action: CXSetHeldCallAction)
    func provider(_ provider: CXProvider, perform action: CXSetMutedCallAction)
    func provider(_ provider: CXProvider, perform action: CXPlayDTMFCallAction)
    func provider(_ provider: CXProvider, didActivate session: AVAudioSession)
    func provider(_ provider: CXProvider, didDeactivate session: AVAudioSession)
}
public class CXProvider: NSObject {
    /// What was reported, in order, and the calls on the screens.
    public static nonisolated(unsafe) var told: [String] = []
    public static nonisolated(unsafe) var shown: Set<UUID> = []
    public init(configuration: CXProviderConfiguration) {}
    public func setDelegate(_ delegate: CXProviderDelegate?, queue: DispatchQueue?) {}
    public func invalidate() {}
    public func reportNewIncomingCall(with id: UUID, update: CXCallUpdate, completion: @escaping (Error?) -> Void) {
        CXProvider.told.append("rings")
        completion(CXProvider.shown.insert(id).inserted ? nil : CXErrorCodeIncomingCallError())
    }
    public func reportCall(with id: UUID, updated update: CXCallUpdate) {}
    public func reportCall(with id: UUID, endedAt date: Date?, reason: CXCallEndedReason) {
        CXProvider.told.append("\(reason)")
        CXProvider.shown.remove(id)
    }
    public func reportOutgoingCall(with id: UUID, startedConnectingAt date: Date?) { CXProvider.told.append("connecting") }
    public func reportOutgoingCall(with id: UUID, connectedAt date: Date?) { CXProvider.told.append("connected") }
}

// CoreMedia and CoreVideo

public class CVImageBuffer {}
public typealias CVPixelBuffer = CVImageBuffer
public class CMSampleBuffer { public var presentationTimeStamp: CMTime { .invalid } }
public class CMBlockBuffer {}
public class CMFormatDescription {}
public typealias CMVideoFormatDescription = CMFormatDescription
public typealias CMVideoCodecType = UInt32
public typealias CMItemCount = Int
public struct CMTimeFlags: OptionSet {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let valid = CMTimeFlags(rawValue: 1)
}
public enum CMTimeRoundingMethod { case `default` }
public struct CMTime {
    public var value: Int64
    public var timescale: Int32
    public var flags: CMTimeFlags = []
    public init(value: Int64, timescale: Int32) { (self.value, self.timescale) = (value, timescale) }
    public static let invalid = CMTime(value: 0, timescale: 0)
}
public func CMTimeConvertScale(_ time: CMTime, timescale: Int32, method: CMTimeRoundingMethod) -> CMTime { time }
public struct CMSampleTimingInfo {
    public init(duration: CMTime, presentationTimeStamp: CMTime, decodeTimeStamp: CMTime) {}
}
public typealias CMBlockBufferFlags = UInt32
public let kCMVideoCodecType_H264: CMVideoCodecType = 0
public let kCMBlockBufferAssureMemoryNowFlag: CMBlockBufferFlags = 1
public let kCMBlockBufferBadCustomBlockSourceErr: OSStatus = 1
public let kCMFormatDescriptionError_InvalidParameter: OSStatus = 1
public let kCMSampleAttachmentKey_NotSync: CFString = ""
public func CMSampleBufferGetDataBuffer(_ sample: CMSampleBuffer) -> CMBlockBuffer? { nil }
public func CMSampleBufferGetFormatDescription(_ sample: CMSampleBuffer) -> CMFormatDescription? { nil }
public func CMSampleBufferGetSampleAttachmentsArray(_ sample: CMSampleBuffer, createIfNecessary: Bool) -> NSArray? { nil }
public func CMVideoFormatDescriptionGetH264ParameterSetAtIndex(
    _ format: CMFormatDescription, parameterSetIndex: Int, parameterSetPointerOut: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    parameterSetSizeOut: UnsafeMutablePointer<Int>?, parameterSetCountOut: UnsafeMutablePointer<Int>?,
    nalUnitHeaderLengthOut: UnsafeMutablePointer<Int32>?
) -> OSStatus { 0 }
public func CMVideoFormatDescriptionCreateFromH264ParameterSets(
    allocator: AnyObject?, parameterSetCount: Int, parameterSetPointers: UnsafePointer<UnsafePointer<UInt8>>,
    parameterSetSizes: UnsafePointer<Int>, nalUnitHeaderLength: Int32, formatDescriptionOut: UnsafeMutablePointer<CMFormatDescription?>
) -> OSStatus { 0 }
public func CMBlockBufferGetDataLength(_ block: CMBlockBuffer) -> Int { 0 }
public func CMBlockBufferCopyDataBytes(_ block: CMBlockBuffer, atOffset: Int, dataLength: Int, destination: UnsafeMutableRawPointer) -> OSStatus { 0 }
public func CMBlockBufferReplaceDataBytes(
    with: UnsafeRawPointer, blockBuffer: CMBlockBuffer, offsetIntoDestination: Int, dataLength: Int
) -> OSStatus { 0 }
public func CMBlockBufferCreateWithMemoryBlock(
    allocator: AnyObject?, memoryBlock: UnsafeMutableRawPointer?, blockLength: Int, blockAllocator: AnyObject?,
    customBlockSource: UnsafePointer<Int>?, offsetToData: Int, dataLength: Int, flags: CMBlockBufferFlags,
    blockBufferOut: UnsafeMutablePointer<CMBlockBuffer?>
) -> OSStatus { 0 }
public func CMSampleBufferCreateReady(
    allocator: AnyObject?, dataBuffer: CMBlockBuffer?, formatDescription: CMFormatDescription?, sampleCount: CMItemCount,
    sampleTimingEntryCount: CMItemCount, sampleTimingArray: UnsafePointer<CMSampleTimingInfo>?, sampleSizeEntryCount: CMItemCount,
    sampleSizeArray: UnsafePointer<Int>?, sampleBufferOut: UnsafeMutablePointer<CMSampleBuffer?>
) -> OSStatus { 0 }

// VideoToolbox

public class VTSession {}
public class VTCompressionSession: VTSession {}
public class VTDecompressionSession: VTSession {}
public struct VTEncodeInfoFlags {}
public struct VTDecodeInfoFlags {}
public struct VTDecodeFrameFlags: OptionSet {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let _EnableAsynchronousDecompression = VTDecodeFrameFlags(rawValue: 1)
}
public let kVTInvalidSessionErr: OSStatus = -12903
public let kVTCompressionPropertyKey_RealTime: CFString = ""
public let kVTCompressionPropertyKey_AllowFrameReordering: CFString = ""
public let kVTCompressionPropertyKey_ProfileLevel: CFString = ""
public let kVTProfileLevel_H264_ConstrainedBaseline_AutoLevel: CFString = ""
public let kVTCompressionPropertyKey_ExpectedFrameRate: CFString = ""
public let kVTCompressionPropertyKey_MaxKeyFrameIntervalDuration: CFString = ""
public let kVTCompressionPropertyKey_AverageBitRate: CFString = ""
public let kVTEncodeFrameOptionKey_ForceKeyFrame: CFString = ""
public typealias VTCompressionOutputCallback = @convention(c) (UnsafeMutableRawPointer?) -> Void
public func VTCompressionSessionCreate(
    allocator: AnyObject?, width: Int32, height: Int32, codecType: CMVideoCodecType, encoderSpecification: CFDictionary?,
    imageBufferAttributes: CFDictionary?, compressedDataAllocator: AnyObject?, outputCallback: VTCompressionOutputCallback?,
    refcon: UnsafeMutableRawPointer?, compressionSessionOut: UnsafeMutablePointer<VTCompressionSession?>
) -> OSStatus { 0 }
@discardableResult public func VTSessionSetProperty(_ session: VTSession, key: CFString, value: CFTypeRef?) -> OSStatus { 0 }
@discardableResult public func VTCompressionSessionPrepareToEncodeFrames(_ session: VTCompressionSession) -> OSStatus { 0 }
public func VTCompressionSessionInvalidate(_ session: VTCompressionSession) {}
@discardableResult public func VTCompressionSessionEncodeFrame(
    _ session: VTCompressionSession, imageBuffer: CVImageBuffer, presentationTimeStamp: CMTime, duration: CMTime,
    frameProperties: CFDictionary?, infoFlagsOut: UnsafeMutablePointer<VTEncodeInfoFlags>?,
    outputHandler: @escaping (OSStatus, VTEncodeInfoFlags, CMSampleBuffer?) -> Void
) -> OSStatus { 0 }
public func VTDecompressionSessionCreate(
    allocator: AnyObject?, formatDescription: CMVideoFormatDescription, decoderSpecification: CFDictionary?,
    imageBufferAttributes: CFDictionary?, outputCallback: UnsafePointer<Int>?, decompressionSessionOut: UnsafeMutablePointer<VTDecompressionSession?>
) -> OSStatus { 0 }
public func VTDecompressionSessionCanAcceptFormatDescription(_ session: VTDecompressionSession, formatDescription: CMFormatDescription) -> Bool { true }
public func VTDecompressionSessionInvalidate(_ session: VTDecompressionSession) {}
@discardableResult public func VTDecompressionSessionDecodeFrame(
    _ session: VTDecompressionSession, sampleBuffer: CMSampleBuffer, flags: VTDecodeFrameFlags,
    infoFlagsOut: UnsafeMutablePointer<VTDecodeInfoFlags>?,
    outputHandler: @escaping (OSStatus, VTDecodeInfoFlags, CVImageBuffer?, CMTime, CMTime) -> Void
) -> OSStatus { 0 }
