import Foundation

/// What ends with something else: a stream of events, whose reader would wait for
/// ever once its client is closed and tells nothing any more.
protocol Ending: AnyObject {
    func end()
}

/// What ends with an object. It holds none of it.
final class Endings: @unchecked Sendable {
    private struct Weak { weak var value: Ending? }

    private let lock = NSLock()
    private var all: [Weak] = []
    private var ended = false

    /// What comes after the end, ends at once.
    func add(_ ending: Ending) {
        lock.lock()
        let late = ended
        if !late {
            all.removeAll { $0.value == nil }
            all.append(Weak(value: ending))
        }
        lock.unlock()
        if late { ending.end() }
    }

    func end() {
        lock.lock()
        let now = all
        all = []
        ended = true
        lock.unlock()
        now.forEach { $0.value?.end() }
    }
}

/// A stream that is made before its events, so that none is missed.
final class Events<Event>: @unchecked Sendable {
    let stream: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation

    init() {
        var made: AsyncStream<Event>.Continuation?
        stream = AsyncStream(bufferingPolicy: .unbounded) { made = $0 }
        continuation = made! // the closure above has run
    }

    func tell(_ event: Event) { continuation.yield(event) }
    func finish() { continuation.finish() }
}
