package core

import (
	"context"
	"net/http"
)

type contextKey uint8

const (
	contextHeader contextKey = iota
	contextCapture
	contextClaims
)

// WithHeader returns a context whose requests carry further headers, for what a
// client has no option for. They replace headers of the same name that the
// client sets itself, but not those of the pipeline's policies.
func WithHeader(ctx context.Context, header http.Header) context.Context {
	return context.WithValue(ctx, contextHeader, header.Clone())
}

// WithCaptureResponse returns a context that stores the answer to each request
// made with it in *resp, also when it is a refusal, for what a client's result
// does not tell: its request id for example. A method that makes several
// requests leaves the last answer. The context serves one goroutine.
func WithCaptureResponse(ctx context.Context, resp **http.Response) context.Context {
	return context.WithValue(ctx, contextCapture, resp)
}

// addContextHeader sets the headers of WithHeader.
func addContextHeader(req *Request) (*http.Response, error) {
	header, _ := req.raw.Context().Value(contextHeader).(http.Header)
	for name, values := range header {
		req.raw.Header[http.CanonicalHeaderKey(name)] = values
	}
	return req.Next()
}

// capture stores the answer for WithCaptureResponse.
func capture(ctx context.Context, resp *http.Response) {
	if into, _ := ctx.Value(contextCapture).(**http.Response); into != nil {
		*into = resp
	}
}

// withClaims hands the claims that a service asked for to the credential.
func withClaims(ctx context.Context, claims string) context.Context {
	return context.WithValue(ctx, contextClaims, claims)
}

func claimsOf(ctx context.Context) string {
	claims, _ := ctx.Value(contextClaims).(string)
	return claims
}
