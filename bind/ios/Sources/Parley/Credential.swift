import Foundation
import ParleyCore

/// Gives user access tokens. It may be given to several agents and chat clients
/// of the same user.
public final class Credential: @unchecked Sendable {
    let core: ParleyMobileCredential

    /// One token that is never replaced. Throws `ParleyError` with the code
    /// `invalidArgument` for what is no token.
    public init(token: String) throws {
        core = try made { ParleyMobileNewCredential(token, $0) }
    }

    /// Asks for the next token before one ends, and when the service refuses one; not
    /// twice at a time. What `refresh` throws is the error of the method that needed
    /// the token. Throws as the other.
    public init(token: String = "", refresh: @escaping @Sendable () async throws -> String) throws {
        let refresher = RefreshRelay(refresh)
        core = try made { ParleyMobileNewRefreshingCredential(token, refresher, $0) }
    }

    /// From now on there are no new tokens. Again, it does nothing.
    public func close() { core.close() }

    deinit { core.close() }
}

final class RefreshRelay: NSObject, ParleyMobileTokenRefresher {
    private let refresh: @Sendable () async throws -> String

    init(_ refresh: @escaping @Sendable () async throws -> String) { self.refresh = refresh }

    // Swift does not import a method that returns a string as one that throws.
    // It is called on a thread of the library, which may wait.
    func refreshToken(_ error: NSErrorPointer) -> String {
        let answer = Answer()
        let done = DispatchSemaphore(value: 0)
        let refresh = self.refresh
        Task.detached {
            do {
                answer.result = .success(try await refresh())
            } catch {
                answer.result = .failure(error)
            }
            done.signal()
        }
        done.wait()
        switch answer.result {
        case .success(let token):
            return token
        case .failure(let failure):
            error?.pointee = failure as NSError
            return ""
        }
    }

    /// Written before the semaphore is signaled, read after.
    private final class Answer: @unchecked Sendable {
        var result: Result<String, Error> = .success("")
    }
}
