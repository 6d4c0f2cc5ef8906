import Foundation
import ParleyCore

/// Why an operation failed: the one error that this layer throws, unless a method
/// says otherwise.
public struct ParleyError: Error, LocalizedError, Equatable, Sendable {
    /// The kinds of failures. A raw value keeps its meaning for ever; one that this
    /// layer does not know is `unknown`.
    public enum Code: Int32, Sendable {
        /// Something that has no kind.
        case unknown = 1
        /// A mistake of the library: please report it.
        case internalError = 2
        /// An argument that cannot be.
        case invalidArgument = 3
        /// The object, or its client, is closed.
        case closed = 4
        /// It took longer than `ClientOptions.timeLimit`.
        case timeout = 5
        /// The task was cancelled.
        case canceled = 6
        /// The service does not take the token, or there is none.
        case unauthorized = 7
        /// The service is not reached.
        case network = 8
        /// The other side, the service or this device cannot do that.
        case unsupported = 9
        /// The user may not do that.
        case forbidden = 10
        /// There is no such thing.
        case notFound = 11
        /// A message or a picture is too large.
        case tooLarge = 12
        /// The service asks for patience.
        case tooManyRequests = 13
        /// The service failed.
        case service = 14
        /// The outbox's file cannot be read or written.
        case storage = 15
        /// The call is in a state in which that cannot be.
        case invalidState = 20
        /// The call has ended.
        case callEnded = 21
        /// The call was refused or failed: see `callCode`.
        case callFailed = 22
        /// The camera is being sent already.
        case trackInUse = 23
        /// The camera is not being sent.
        case noSuchTrack = 24
    }

    /// What kind of failure it is.
    public let code: Code
    /// Code of Azure Communication Services with `callFailed`, else 0.
    public let callCode: Int
    /// Its subcode.
    public let callSubcode: Int
    /// What the service answered; 0 when it was not asked.
    public let httpStatus: Int
    /// The service's own word for it; may be empty.
    public let serviceCode: String
    /// A sentence for a developer.
    public let message: String

    /// The message.
    public var errorDescription: String? { message }

    init(code: Code, message: String) {
        self.code = code
        self.message = message
        callCode = 0
        callSubcode = 0
        httpStatus = 0
        serviceCode = ""
    }

    init(_ failure: ParleyMobileFailure) {
        code = Code(rawValue: failure.code) ?? .unknown
        callCode = Int(failure.callCode)
        callSubcode = Int(failure.callSubcode)
        httpStatus = Int(failure.httpStatus)
        serviceCode = failure.serviceCode
        message = failure.message
    }

    /// Any error that has crossed the border; one of somebody else is `unknown`.
    init(_ error: Error) {
        if let own = error as? ParleyError {
            self = own
        } else if let failure: ParleyMobileFailure = ParleyMobileFailureOf(error as NSError) {
            self.init(failure)
        } else {
            self.init(code: .unknown, message: error.localizedDescription)
        }
    }
}

/// Whether an error came from Go. Swift makes one of its own when a method that
/// may fail returns nothing without failing: the end of a list, an empty image.
func cameFromGo(_ error: Error) -> Bool { (error as NSError).domain == "go" }

/// Runs a method that may return nothing.
func optional<T>(_ body: () throws -> T) throws -> T? {
    do {
        return try body()
    } catch {
        if cameFromGo(error) { throw ParleyError(error) }
        return nil
    }
}

/// Runs a method and gives its error a type.
func typed<T>(_ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch {
        throw ParleyError(error)
    }
}

/// What Swift makes of a function with an `NSError**` at its end.
func made<T>(_ body: (NSErrorPointer) -> T?) throws -> T {
    var error: NSError?
    let result = body(&error)
    if let error = error { throw ParleyError(error) }
    guard let value = result else { throw ParleyError(code: .internalError, message: "nothing was made") }
    return value
}

/// Runs a method that waits for the network away from Swift's own threads, of
/// which there are few.
func waiting<T>(_ body: @escaping () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global(qos: .userInitiated).async {
            continuation.resume(with: Result { try typed(body) })
        }
    }
}
