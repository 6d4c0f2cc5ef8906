// Stands in for what the sample uses of Apple's frameworks besides, in verify/swift.

@_exported import AppleStubs
@_exported import Foundation

public protocol ObservableObject: AnyObject {}
@propertyWrapper public struct Published<Value> {
    public var wrappedValue: Value
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
}

// UIKit

public class CALayer: NSObject {}
@MainActor open class UIView: NSObject {
    open class var layerClass: AnyClass { CALayer.self }
    public var layer: CALayer { fatalError() }
}

public extension UIApplication {
    @MainActor static var shared: UIApplication { fatalError() }
    @MainActor func registerForRemoteNotifications() {}
}

// UserNotifications

public struct UNAuthorizationOptions: OptionSet {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static let alert = UNAuthorizationOptions(rawValue: 4)
    public static let sound = UNAuthorizationOptions(rawValue: 2)
}
public final class UNUserNotificationCenter: NSObject {
    public class func current() -> UNUserNotificationCenter { fatalError() }
    public func requestAuthorization(options: UNAuthorizationOptions = []) async throws -> Bool { true }
}

// Security

public let errSecSuccess: OSStatus = 0
public let kSecClass: CFString = ""
public let kSecClassGenericPassword: CFString = ""
public let kSecAttrService: CFString = ""
public let kSecAttrAccount: CFString = ""
public let kSecReturnData: CFString = ""
public let kSecValueData: CFString = ""
public let kSecAttrAccessible: CFString = ""
public let kSecAttrAccessibleAfterFirstUnlock: CFString = ""
public func SecItemCopyMatching(_ query: CFDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?) -> OSStatus { 0 }
@discardableResult public func SecItemDelete(_ query: CFDictionary) -> OSStatus { 0 }
@discardableResult public func SecItemAdd(_ item: CFDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?) -> OSStatus { 0 }

// AVFoundation

public extension AVAudioSession {
    func requestRecordPermission(_ response: @escaping @Sendable (Bool) -> Void) {}
}
public enum AVMediaType { case video }
public class AVCaptureDevice: NSObject {
    public enum DeviceType { case builtInWideAngleCamera }
    public enum Position { case front, back }
    public class func requestAccess(for type: AVMediaType) async -> Bool { true }
    public class func `default`(_ device: DeviceType, for type: AVMediaType?, position: Position) -> AVCaptureDevice? { nil }
}
public class AVCaptureInput: NSObject {}
public class AVCaptureDeviceInput: AVCaptureInput { public init(device: AVCaptureDevice) throws {} }
public class AVCaptureConnection: NSObject {
    public enum Orientation { case portrait }
    public let isVideoOrientationSupported = false
    public var videoOrientation = Orientation.portrait
}
public class AVCaptureOutput: NSObject {
    public func connection(with type: AVMediaType) -> AVCaptureConnection? { nil }
}
public protocol AVCaptureVideoDataOutputSampleBufferDelegate: NSObjectProtocol {
    func captureOutput(_ output: AVCaptureOutput, didOutput sample: CMSampleBuffer, from connection: AVCaptureConnection)
}
public class AVCaptureVideoDataOutput: AVCaptureOutput {
    public var alwaysDiscardsLateVideoFrames = false
    public func setSampleBufferDelegate(_ delegate: AVCaptureVideoDataOutputSampleBufferDelegate?, queue: DispatchQueue?) {}
}
public class AVCaptureSession: NSObject {
    public enum Preset { case hd1280x720 }
    public var sessionPreset = Preset.hd1280x720
    public func startRunning() {}
    public func stopRunning() {}
    public func canAddInput(_ input: AVCaptureInput) -> Bool { true }
    public func addInput(_ input: AVCaptureInput) {}
    public func canAddOutput(_ output: AVCaptureOutput) -> Bool { true }
    public func addOutput(_ output: AVCaptureOutput) {}
}
public class AVSampleBufferDisplayLayer: CALayer {
    public enum Status { case unknown, rendering, failed }
    public let status = Status.unknown
    public func enqueue(_ sample: CMSampleBuffer) {}
    public func flush() {}
}

// CoreMedia

public let kCMSampleAttachmentKey_DisplayImmediately: CFString = ""
public func CMSampleBufferGetImageBuffer(_ sample: CMSampleBuffer) -> CVImageBuffer? { nil }
public func CMSampleBufferGetPresentationTimeStamp(_ sample: CMSampleBuffer) -> CMTime { .invalid }
public func CMVideoFormatDescriptionCreateForImageBuffer(
    allocator: AnyObject?, imageBuffer: CVImageBuffer, formatDescriptionOut: UnsafeMutablePointer<CMFormatDescription?>
) -> OSStatus { 0 }
@discardableResult public func CMSampleBufferCreateReadyWithImageBuffer(
    allocator: AnyObject?, imageBuffer: CVImageBuffer, formatDescription: CMFormatDescription,
    sampleTiming: UnsafePointer<CMSampleTimingInfo>, sampleBufferOut: UnsafeMutablePointer<CMSampleBuffer?>
) -> OSStatus { 0 }
