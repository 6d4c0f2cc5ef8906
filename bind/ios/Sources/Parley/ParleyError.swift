import Foundation
import ParleyCore

/// Why an operation failed.
public struct ParleyError: Error, LocalizedError, Equatable, Sendable {
    /// The kinds of failures. A raw value keeps its meaning for ever; one that this
    /// layer does not know is `unknown`.
    public enum Code: Int32, Sendable {
        case unknown = 1
        case internalError = 2
        case invalidArgument = 3
        case closed = 4
        case timeout = 5
        case canceled = 6
        case unauthorized = 7
        case network = 8
        case unsupported = 9
        case forbidden = 10
        case notFound = 11
        case tooLarge = 12
        case tooManyRequests = 13
        case service = 14
        case storage = 15
        case invalidState = 20
        case callEnded = 21
        case callFailed = 22
        case trackInUse = 23
        case noSuchTrack = 24
    }

    public let code: Code
    /// Code and subcode of Azure Communication Services with `callFailed`, else 0.
    public let callCode: Int
    public let callSubcode: Int
    /// What the service answered; 0 when it was not asked.
    public let httpStatus: Int
    /// The service's own word for it; may be empty.
    public let serviceCode: String
    /// A sentence for a developer.
    public let message: String

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
