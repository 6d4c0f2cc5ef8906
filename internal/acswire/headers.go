package acswire

// Names of the headers that requests and answers carry.
const (
	HeaderAuthorization        = "Authorization"
	HeaderDate                 = "Date"
	HeaderMSDate               = "X-Ms-Date"
	HeaderContentHash          = "X-Ms-Content-Sha256"
	HeaderRequestID            = "X-Ms-Request-Id"
	HeaderClientRequestID      = "X-Ms-Client-Request-Id"
	HeaderErrorCode            = "X-Ms-Error-Code"
	HeaderSupportedVersions    = "Api-Supported-Versions"
	HeaderDeprecatedVersions   = "Api-Deprecated-Versions"
	HeaderDeprecation          = "Deprecation"
	HeaderSunset               = "Sunset"
	HeaderRetryAfter           = "Retry-After"
	HeaderLocation             = "Location"
	HeaderOperationLocation    = "Operation-Location"
	HeaderAsyncOperation       = "Azure-Asyncoperation"
	HeaderRepeatabilityID      = "Repeatability-Request-Id"
	HeaderRepeatabilityFirst   = "Repeatability-First-Sent"
	HeaderRepeatabilityResult  = "Repeatability-Result"
	HeaderContentType          = "Content-Type"
	ContentTypeJSON            = "application/json; charset=utf-8"
	QueryAPIVersion            = "api-version"
	maxSignedHeaders           = 8
	maxAuthorizationHeaderSize = 1024
)
