package io.github.parleyrtc

import io.github.parleyrtc.mobile.Failure
import io.github.parleyrtc.mobile.Mobile

/**
 * What the library throws, and nothing else: one subclass for what an
 * application acts on. [code] is one of the `Mobile.ErrorCode…` constants.
 *
 * @property code one of the `Mobile.ErrorCode…` constants.
 */
public sealed class ParleyException(message: String, public val code: Int, cause: Throwable?) : Exception(message, cause) {
    /** An argument cannot be: null from Java, empty, out of range, malformed. */
    public class InvalidArgument internal constructor(message: String, cause: Throwable? = null) :
        ParleyException(message, Mobile.ErrorCodeInvalidArgument, cause)

    /** A method of something that was closed. */
    public class Closed internal constructor(message: String, cause: Throwable? = null) :
        ParleyException(message, Mobile.ErrorCodeClosed, cause)

    /** An operation took longer than [ParleyOptions.timeLimitMillis]. */
    public class Timeout internal constructor(message: String, cause: Throwable? = null) :
        ParleyException(message, Mobile.ErrorCodeTimeout, cause)

    /** The service refuses the token, or the credential gave none. */
    public class Unauthorized internal constructor(message: String, cause: Throwable? = null) :
        ParleyException(message, Mobile.ErrorCodeUnauthorized, cause)

    /** The service was not reached. */
    public class Network internal constructor(message: String, cause: Throwable? = null) :
        ParleyException(message, Mobile.ErrorCodeNetwork, cause)

    /** The call's state does not allow the operation, or the call has ended. */
    public class InvalidState internal constructor(message: String, code: Int, cause: Throwable? = null) :
        ParleyException(message, code, cause)

    /**
     * A call was refused or failed, with the codes of Azure Communication Services.
     *
     * @property reason the codes of Azure Communication Services, and a sentence.
     */
    public class CallFailed internal constructor(message: String, public val reason: EndReason, cause: Throwable? = null) :
        ParleyException(message, Mobile.ErrorCodeCallFailed, cause)

    /**
     * The service refuses, with an HTTP status: forbidden, not found, too large,
     * too many requests, others. [status] is zero when the library knew it before
     * it asked.
     *
     * @property status the HTTP status; 0 when the library knew it before it asked.
     * @property serviceCode the service's own word for it, such as `Forbidden`; may be empty.
     */
    public class Refused internal constructor(
        message: String,
        code: Int,
        public val status: Int,
        public val serviceCode: String,
        cause: Throwable? = null,
    ) : ParleyException(message, code, cause)

    /** Anything else, a bug in the library ([code] 2) included. */
    public class Other internal constructor(message: String, code: Int, cause: Throwable? = null) :
        ParleyException(message, code, cause)

    internal companion object {
        fun of(cause: Exception): ParleyException {
            // Kotlin looks for null from Java in ordinary methods only, not in suspending ones.
            if (cause is NullPointerException) return InvalidArgument("null was given: ${cause.message}", cause)
            val failure = Mobile.failureOf(cause) ?: return Other(cause.toString(), Mobile.ErrorCodeUnknown, cause)
            return of(failure, cause)
        }

        fun of(failure: Failure, cause: Exception? = null): ParleyException {
            val message = failure.message
            return when (val code = failure.code) {
                Mobile.ErrorCodeInvalidArgument ->
                    if (failure.httpStatus == 0) InvalidArgument(message, cause)
                    else Refused(message, code, failure.httpStatus, failure.serviceCode, cause)
                Mobile.ErrorCodeClosed -> Closed(message, cause)
                Mobile.ErrorCodeTimeout -> Timeout(message, cause)
                Mobile.ErrorCodeUnauthorized -> Unauthorized(message, cause)
                Mobile.ErrorCodeNetwork -> Network(message, cause)
                Mobile.ErrorCodeInvalidState, Mobile.ErrorCodeCallEnded -> InvalidState(message, code, cause)
                Mobile.ErrorCodeCallFailed ->
                    CallFailed(message, EndReason(failure.callCode, failure.callSubcode, message), cause)
                Mobile.ErrorCodeForbidden, Mobile.ErrorCodeNotFound, Mobile.ErrorCodeTooLarge,
                Mobile.ErrorCodeTooManyRequests, Mobile.ErrorCodeService,
                -> Refused(message, code, failure.httpStatus, failure.serviceCode, cause)
                else -> Other(message, code, cause)
            }
        }
    }
}
