#if os(iOS)
import AVFoundation
import Foundation
import ParleyCore
#if !COCOAPODS
import ParleyPCM
#endif

/// The phone's microphone and loudspeaker for the calls of a client: the audio
/// session, and the voice-processing unit with its echo canceller.
///
/// With CallKit the system owns the session: call `start` in
/// `provider(_:didActivate:)` and `stop` in `provider(_:didDeactivate:)`.
public final class CallAudio: @unchecked Sendable {
    private let core: ParleyMobileAudio
    private let microphone: ParleyPCM
    private let loudspeaker: ParleyPCM
    private let engine = AVAudioEngine()
    private var observers: [NSObjectProtocol] = []
    private var source: AVAudioSourceNode?
    private var converter: AVAudioConverter?
    private var captured: AVAudioPCMBuffer?

    /// 100 ms: more than any audio unit asks for at a time.
    private static let capacity = UInt(100 * ParleyMobileAudioBytesPerMillisecond)

    public init(_ client: Client) throws {
        let audio: ParleyMobileAudio = try client.audio()
        guard let microphone = ParleyPCM(audio: audio, capacity: CallAudio.capacity),
              let loudspeaker = ParleyPCM(audio: audio, capacity: CallAudio.capacity) else {
            throw ParleyError(code: .internalError, message: "no memory for audio")
        }
        core = audio
        self.microphone = microphone
        self.loudspeaker = loudspeaker
    }

    /// Prepares the session, before a call is reported to CallKit.
    public static func configureSession(video: Bool = false) throws {
        let session = AVAudioSession.sharedInstance()
        try session.setCategory(.playAndRecord, mode: video ? .videoChat : .voiceChat, options: [.allowBluetooth, .allowBluetoothA2DP])
        try session.setPreferredSampleRate(Double(ParleyMobileAudioSampleRate))
        try session.setPreferredIOBufferDuration(0.01)
    }

    /// Starts capturing and playing. The session is active.
    public func start() throws {
        observe()
        try engine.inputNode.setVoiceProcessingEnabled(true)
        guard let format = AVAudioFormat(
            commonFormat: .pcmFormatInt16, sampleRate: Double(ParleyMobileAudioSampleRate), channels: 1, interleaved: true) else {
            throw ParleyError(code: .unsupported, message: "the audio format is not there")
        }
        let loudspeaker = self.loudspeaker
        let source = AVAudioSourceNode(format: format) { _, _, frames, buffers in
            // The audio thread: no locks of Swift, no allocation.
            let list = UnsafeMutableAudioBufferListPointer(buffers)
            if let memory = list[0].mData { loudspeaker.read(memory, length: UInt(frames) * 2) }
            return noErr
        }
        self.source = source
        engine.attach(source)
        engine.connect(source, to: engine.mainMixerNode, format: format)
        try tap(format)
        engine.prepare()
        try engine.start()
    }

    /// Takes what the microphone gives, in the device's form, as the library's.
    private func tap(_ format: AVAudioFormat) throws {
        let input = engine.inputNode
        let given = input.outputFormat(forBus: 0)
        guard let converter = AVAudioConverter(from: given, to: format),
              let captured = AVAudioPCMBuffer(pcmFormat: format, frameCapacity: AVAudioFrameCount(CallAudio.capacity / 2)) else {
            throw ParleyError(code: .unsupported, message: "the microphone's format cannot be converted")
        }
        self.converter = converter
        self.captured = captured
        let microphone = self.microphone
        input.installTap(onBus: 0, bufferSize: AVAudioFrameCount(given.sampleRate / 50), format: given) { buffer, _ in
            var taken = false
            var failure: NSError?
            captured.frameLength = 0
            converter.convert(to: captured, error: &failure) { _, status in
                // One buffer a time: what the converter still holds comes with the next.
                status.pointee = taken ? .noDataNow : .haveData
                defer { taken = true }
                return taken ? nil : buffer
            }
            if failure == nil, let memory = captured.int16ChannelData {
                microphone.write(memory[0], length: UInt(captured.frameLength) * 2)
            }
        }
    }

    /// Stops capturing and playing.
    public func stop() {
        observers.forEach { NotificationCenter.default.removeObserver($0) }
        observers = []
        engine.inputNode.removeTap(onBus: 0)
        engine.stop()
        if let source = source { engine.detach(source) }
        source = nil
    }

    private func observe() {
        let center = NotificationCenter.default
        observers.append(center.addObserver(forName: AVAudioSession.interruptionNotification, object: nil, queue: nil) { [weak self] note in
            self?.interrupted(note)
        })
        observers.append(center.addObserver(forName: AVAudioSession.routeChangeNotification, object: nil, queue: nil) { [weak self] _ in
            self?.core.routeChanged()
        })
        // The hardware has another form now: everything is set up anew.
        observers.append(center.addObserver(forName: .AVAudioEngineConfigurationChange, object: engine, queue: .main) { [weak self] _ in
            self?.stop()
            try? self?.start()
        })
    }

    private func interrupted(_ note: Notification) {
        guard let number = note.userInfo?[AVAudioSessionInterruptionTypeKey] as? UInt,
              let type = AVAudioSession.InterruptionType(rawValue: number) else { return }
        switch type {
        case .began:
            core.beginInterruption()
        case .ended:
            core.endInterruption()
            try? engine.start()
        @unknown default:
            break
        }
    }

    deinit { stop() }
}
#endif
