#if os(iOS)
import AVFoundation
import Foundation
import ParleyCore
#if !COCOAPODS
import ParleyPCM
#endif

/// The phone's microphone and loudspeaker for the calls of a client: the audio
/// session, and the voice-processing unit with its echo canceller. Make one for a
/// client and keep it; all of it is for the main queue.
///
/// With CallKit the system activates the session: call `start` in
/// `provider(_:didActivate:)` and `stop` in `provider(_:didDeactivate:)`, as
/// `CallKitBridge` does. Without, activate the session yourself before `start`.
public final class CallAudio: @unchecked Sendable {
    private let core: ParleyMobileAudio
    private let unit: ParleyVoiceUnit
    private var observers: [NSObjectProtocol] = []

    /// Makes it for a client; nothing is captured or played yet. Throws
    /// `ParleyError` when the client is closed.
    public init(_ client: Client) throws {
        let audio: ParleyMobileAudio = try client.audio()
        guard let unit = ParleyVoiceUnit(audio: audio) else {
            throw ParleyError(code: .internalError, message: "no memory for audio")
        }
        core = audio
        self.unit = unit
    }

    /// Prepares the session, before a call is reported to CallKit or started; it
    /// does not activate it. Throws the error of `AVAudioSession`.
    public static func configureSession(video: Bool = false) throws {
        let session = AVAudioSession.sharedInstance()
        try session.setCategory(.playAndRecord, mode: video ? .videoChat : .voiceChat, options: [.allowBluetooth])
        try session.setPreferredSampleRate(Double(ParleyMobileAudioSampleRate))
        try session.setPreferredIOBufferDuration(0.01)
    }

    /// Starts capturing and playing; the session is active. Started already, it
    /// begins anew. Throws `ParleyError` with the code `unsupported` and the
    /// system's reason: that the session is not active, or no microphone allowed.
    public func start() throws {
        stop()
        do {
            try unit.start()
        } catch {
            throw ParleyError(code: .unsupported, message: "the voice-processing unit: \(error.localizedDescription)")
        }
        observe()
    }

    /// Stops capturing and playing; returns when the audio thread is done.
    public func stop() {
        observers.forEach { NotificationCenter.default.removeObserver($0) }
        observers = []
        unit.stop()
    }

    private func observe() {
        on(AVAudioSession.interruptionNotification) { [weak self] note in self?.interrupted(note) }
        // The unit follows the route by itself; what waits for the old one is stale.
        on(AVAudioSession.routeChangeNotification) { [weak self] _ in self?.core.routeChanged() }
        // The system's audio has crashed, and took the unit with it.
        on(AVAudioSession.mediaServicesWereResetNotification) { [weak self] _ in try? self?.start() }
    }

    private func on(_ name: Notification.Name, _ body: @escaping @Sendable (Notification) -> Void) {
        observers.append(NotificationCenter.default.addObserver(forName: name, object: nil, queue: .main, using: body))
    }

    private func interrupted(_ note: Notification) {
        guard let number = note.userInfo?[AVAudioSessionInterruptionTypeKey] as? UInt,
              let type = AVAudioSession.InterruptionType(rawValue: number) else { return }
        switch type {
        case .began:
            core.beginInterruption()
        case .ended:
            core.endInterruption()
            // With CallKit it is activated already, and this changes nothing.
            try? AVAudioSession.sharedInstance().setActive(true)
            try? start()
        @unknown default:
            break
        }
    }

    deinit { stop() }
}
#endif
