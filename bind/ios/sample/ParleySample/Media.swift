import AVFoundation
import Parley
import UIKit

/// The front camera, encoded for a call.
final class Camera: NSObject, AVCaptureVideoDataOutputSampleBufferDelegate {
    private let session = AVCaptureSession()
    private let encoder: VideoEncoder
    private let queue = DispatchQueue(label: "camera")

    var source: VideoSource { encoder.source }

    init(_ client: Client) throws {
        // The phone is held upright, and so is the picture.
        encoder = try VideoEncoder(client, width: 720, height: 1280)
        super.init()
        session.sessionPreset = .hd1280x720
        guard let device = AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: .front) else { return }
        let input = try AVCaptureDeviceInput(device: device)
        let output = AVCaptureVideoDataOutput()
        output.alwaysDiscardsLateVideoFrames = true
        output.setSampleBufferDelegate(self, queue: queue)
        if session.canAddInput(input) { session.addInput(input) }
        if session.canAddOutput(output) { session.addOutput(output) }
        if let connection = output.connection(with: .video), connection.isVideoOrientationSupported {
            connection.videoOrientation = .portrait
        }
    }

    // Starting waits for the hardware.
    func start() { queue.async { self.session.startRunning() } }

    func stop() {
        queue.async {
            self.session.stopRunning()
            self.encoder.close()
        }
    }

    func captureOutput(_ output: AVCaptureOutput, didOutput sample: CMSampleBuffer, from connection: AVCaptureConnection) {
        guard let picture = CMSampleBufferGetImageBuffer(sample) else { return }
        encoder.encode(picture, at: CMSampleBufferGetPresentationTimeStamp(sample))
    }
}

/// Shows the pictures of the other side.
final class VideoScreen: UIView {
    override class var layerClass: AnyClass { AVSampleBufferDisplayLayer.self }

    /// For `CallOptions.video`; called on a thread of the library.
    lazy var decoder = VideoDecoder { [weak self] picture, time in
        guard let sample = VideoScreen.sample(picture, time) else { return }
        Task { @MainActor [weak self] in self?.show(sample) }
    }

    private func show(_ sample: CMSampleBuffer) {
        guard let screen = layer as? AVSampleBufferDisplayLayer else { return }
        // iOS takes the hardware from an application in the background.
        if screen.status == .failed { screen.flush() }
        screen.enqueue(sample)
    }

    nonisolated private static func sample(_ picture: CVImageBuffer, _ time: CMTime) -> CMSampleBuffer? {
        var format: CMVideoFormatDescription?
        guard CMVideoFormatDescriptionCreateForImageBuffer(allocator: nil, imageBuffer: picture, formatDescriptionOut: &format) == noErr,
              let described = format else { return nil }
        var timing = CMSampleTimingInfo(duration: .invalid, presentationTimeStamp: time, decodeTimeStamp: .invalid)
        var sample: CMSampleBuffer?
        CMSampleBufferCreateReadyWithImageBuffer(
            allocator: nil, imageBuffer: picture, formatDescription: described, sampleTiming: &timing, sampleBufferOut: &sample)
        if let sample = sample,
           let attachments = CMSampleBufferGetSampleAttachmentsArray(sample, createIfNecessary: true) as? [NSMutableDictionary] {
            // Shown when it comes: the time is the sender's.
            attachments.first?[kCMSampleAttachmentKey_DisplayImmediately] = true
        }
        return sample
    }
}
