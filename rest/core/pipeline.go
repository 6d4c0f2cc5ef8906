package core

import (
	"fmt"
	"net/http"
)

// Policy is one step of a pipeline: it may change the request, hands it on
// with Request.Next and may look at the answer. One policy serves all requests
// of a client, from many goroutines.
type Policy interface {
	Do(req *Request) (*http.Response, error)
}

// PolicyFunc is a Policy made of a function.
type PolicyFunc func(req *Request) (*http.Response, error)

// Do calls f.
func (f PolicyFunc) Do(req *Request) (*http.Response, error) { return f(req) }

// ClientOptions configure every client; the options of a client embed them.
// They are read once, when the client is made.
type ClientOptions struct {
	// APIVersion is the version of the contract that is asked for. Empty: the
	// newest stable one that the client knows.
	APIVersion string
	// Transport sends the requests. Nil: that of NewTransport, which trusts the
	// system's authorities and follows no redirect.
	Transport Transporter
	// Retry says when and how a request is repeated.
	Retry RetryOptions
	// Telemetry says what the User-Agent header tells.
	Telemetry TelemetryOptions
	// Logging says what is logged and where.
	Logging LoggingOptions
	// PerCallPolicies run once a call, before the policy that repeats requests.
	PerCallPolicies []Policy
	// PerRetryPolicies run once a try, before the credential.
	PerRetryPolicies []Policy
	// AllowPlainHTTP sends credentials over http too. False refuses it with
	// ErrPlainHTTP: on a plain connection everybody in between reads the tokens.
	AllowPlainHTTP bool
}

// PipelineConfig is what a client decides about its pipeline.
type PipelineConfig struct {
	// Module and Version name the client in the User-Agent header.
	Module, Version string
	// Credential authorizes each try; nil sends the requests without.
	Credential Policy
}

// Pipeline sends requests through policies. It is immutable and safe for many
// goroutines.
type Pipeline struct {
	policies []Policy
}

// NewPipeline puts the policies in the order of the package comment. options
// may be nil.
func NewPipeline(config PipelineConfig, options *ClientOptions) *Pipeline {
	if options == nil {
		options = &ClientOptions{}
	}
	transport := options.Transport
	if transport == nil {
		transport = NewTransport(nil)
	}
	policies := []Policy{
		newTelemetryPolicy(config.Module, config.Version, options.Telemetry),
		PolicyFunc(addContextHeader),
		PolicyFunc(addRequestID),
	}
	policies = append(policies, options.PerCallPolicies...)
	policies = append(policies, newRetryPolicy(options.Retry))
	policies = append(policies, options.PerRetryPolicies...)
	if config.Credential != nil {
		policies = append(policies, config.Credential)
	}
	policies = append(policies, newLoggingPolicy(options.Logging), PolicyFunc(readBody), transportPolicy{transport: transport})
	return &Pipeline{policies: policies}
}

// Do sends the request and returns the answer, whatever its status. The error
// is that of the last try.
func (p *Pipeline) Do(req *Request) (*http.Response, error) {
	if req == nil {
		return nil, fmt.Errorf("%w: no request", ErrInvalidParameter)
	}
	// A copy: the request can be sent again as it was.
	r := req.forTry(req.raw.Context(), 0)
	r.policies = p.policies
	return r.Next()
}
