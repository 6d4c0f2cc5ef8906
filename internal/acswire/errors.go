package acswire

// ErrorResponse is the body of every answer that is not a success.
type ErrorResponse struct {
	Error Error `json:"error"`
}

// Error says what went wrong.
type Error struct {
	// Code is one of the Code constants; never empty.
	Code string `json:"code"`
	// Message is a sentence for a person; never empty.
	Message string `json:"message"`
	// Target names the input at fault.
	Target string `json:"target,omitempty"`
	// Details holds the single errors of a summary.
	Details []Error `json:"details,omitempty"`
	// InnerError is a more exact error under this one.
	InnerError *Error `json:"innererror,omitempty"`
}

// Error codes.
const (
	CodeAPIVersionUnspecified      = "ApiVersionUnspecified"
	CodeAuthenticationFailed       = "AuthenticationFailed"
	CodeBadRequest                 = "BadRequest"
	CodeDenied                     = "Denied"
	CodeExpiredAuthenticationToken = "ExpiredAuthenticationToken"
	CodeForbidden                  = "Forbidden"
	CodeIdentityNotOwned           = "IdentityNotOwned"
	CodeInternalError              = "InternalError"
	CodeInvalidAccessToken         = "InvalidAccessToken" //nolint:gosec // not a credential
	CodeInvalidAPIVersion          = "InvalidApiVersion"
	CodeInvalidAuthenticationToken = "InvalidAuthenticationToken"
	CodeMethodNotAllowed           = "MethodNotAllowed"
	CodeNotFound                   = "NotFound"
	CodePayloadTooLarge            = "PayloadTooLarge"
	CodePreconditionFailed         = "PreconditionFailed"
	CodeRequestTimeout             = "RequestTimeout"
	CodeServiceUnavailable         = "ServiceUnavailable"
	CodeTooManyRequests            = "TooManyRequests"
	CodeUnauthorized               = "Unauthorized"
	CodeUnsupportedAPIVersion      = "UnsupportedApiVersion"
	CodeUnsupportedMediaType       = "UnsupportedMediaType"
	CodeValidationError            = "ValidationError"
)
