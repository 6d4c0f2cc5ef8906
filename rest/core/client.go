package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

// ErrForeignLink says that an answer points to another host than the client's
// endpoint, or from https to http. Credentials do not go there.
var ErrForeignLink = errors.New("core: a link of the service leads to another host")

// ClientConfig is what a client of a service decides about its Client.
type ClientConfig struct {
	// Module and Version name the client in the User-Agent header.
	Module, Version string
	// Endpoint is the root URL of the resource.
	Endpoint string
	// APIVersion is sent when the options name none.
	APIVersion string
	// Credential authorizes each try: a policy of NewKeyPolicy, NewBearerPolicy
	// or NewTokenPolicy. Nil sends the requests without.
	Credential Policy
}

// Client sends the operations of a service. It is immutable and safe for many
// goroutines.
type Client struct {
	endpoint   *url.URL
	apiVersion string
	pipeline   *Pipeline
}

// NewClient returns a client. options may be nil. The error wraps
// ErrInvalidEndpoint.
func NewClient(config ClientConfig, options *ClientOptions) (*Client, error) {
	endpoint, err := parseEndpoint(config.Endpoint)
	if err != nil {
		return nil, err
	}
	version := config.APIVersion
	if options != nil && options.APIVersion != "" {
		version = options.APIVersion
	}
	pipeline := NewPipeline(PipelineConfig{Module: config.Module, Version: config.Version, Credential: config.Credential}, options)
	return &Client{endpoint: endpoint, apiVersion: version, pipeline: pipeline}, nil
}

// Endpoint returns the root URL, without a slash at its end.
func (c *Client) Endpoint() string { return c.endpoint.String() }

// APIVersion returns the api-version that requests carry.
func (c *Client) APIVersion() string { return c.apiVersion }

// NewRequest makes a request for an escaped path (see Path) with a query, which
// may be nil. It adds the api-version, unless the query has one or the client
// has none.
func (c *Client) NewRequest(ctx context.Context, method, path string, query url.Values) (*Request, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("%w: the path does not start with a slash", ErrInvalidParameter)
	}
	values := url.Values{}
	for name, all := range query {
		values[name] = all
	}
	if c.apiVersion != "" && !values.Has(acswire.QueryAPIVersion) {
		values.Set(acswire.QueryAPIVersion, c.apiVersion)
	}
	target := path
	if len(values) > 0 {
		// One spelling for what is sent and for what a verifier may make of it
		// by decoding and encoding again.
		encoded, ok := acswire.FormEncodeQuery("?" + values.Encode())
		if !ok {
			return nil, fmt.Errorf("%w: the query cannot be sent", ErrInvalidParameter)
		}
		target += encoded
	}
	return c.newRequest(ctx, method, target)
}

func (c *Client) newRequest(ctx context.Context, method, target string) (*Request, error) {
	req, err := NewRequest(ctx, method, c.endpoint.String()+target)
	if err != nil {
		return nil, err
	}
	req.raw.Header.Set("Accept", "application/json")
	return req, nil
}

// Do sends a request. A status that is not among success gives a
// *ResponseError; none given takes any below 300.
func (c *Client) Do(req *Request, success ...int) (*http.Response, error) {
	resp, err := c.pipeline.Do(req)
	capture(req.raw.Context(), resp)
	if err != nil {
		return nil, fmt.Errorf("core: %s %s: %w", req.raw.Method, redactedURL(req.raw.URL), err)
	}
	if slices.Contains(success, resp.StatusCode) || (len(success) == 0 && resp.StatusCode < 300) {
		return resp, nil
	}
	return nil, NewResponseError(resp)
}

// Call is one operation of a service.
type Call struct {
	// Method is the HTTP method; required.
	Method string
	// Path is the escaped path (see Path); required.
	Path string
	// Query is added to the api-version; may be nil.
	Query url.Values
	// Body is sent as JSON; nil sends none.
	Body any
	// ContentType replaces application/json for the body; empty keeps it, or
	// ContentTypeMergePatch for a MergePatch.
	ContentType string
	// Conditions let the call depend on an ETag; may be nil.
	Conditions *MatchConditions
	// Header is added to the request; may be nil.
	Header http.Header
	// Success are the statuses that count as success. None: any below 300.
	Success []int
	// Into takes the JSON of the answer; nil leaves it.
	Into any
}

func (c *Call) contentType() string {
	if _, isPatch := c.Body.(MergePatch); isPatch && c.ContentType == "" {
		return ContentTypeMergePatch
	}
	return c.ContentType
}

// Call sends one operation and reads its answer. It returns a *ResponseError
// for a status that is no success.
func (c *Client) Call(ctx context.Context, call Call) (*http.Response, error) {
	req, err := c.NewRequest(ctx, call.Method, call.Path, call.Query)
	if err != nil {
		return nil, err
	}
	if call.Body != nil {
		if err := req.SetJSON(call.Body); err != nil {
			return nil, err
		}
		if contentType := call.contentType(); contentType != "" {
			req.raw.Header.Set("Content-Type", contentType)
		}
	}
	call.Conditions.setOn(req.raw.Header)
	for name, values := range call.Header {
		req.raw.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := c.Do(req, call.Success...)
	if err != nil {
		return nil, err
	}
	if call.Into != nil {
		if err := UnmarshalJSON(resp, call.Into); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// UnmarshalJSON reads the body of an answer as JSON.
func UnmarshalJSON(resp *http.Response, into any) error {
	data, err := Payload(resp)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("core: the answer with status %d is not what was expected: %w", resp.StatusCode, err)
	}
	return nil
}

// Follow makes a GET request for a link of the service as it stands: absolute,
// or relative to the endpoint. The error wraps ErrForeignLink when the link
// leads elsewhere.
func (c *Client) Follow(ctx context.Context, link string) (*Request, error) {
	target, err := c.resolve(link)
	if err != nil {
		return nil, err
	}
	return c.newRequest(ctx, http.MethodGet, target)
}

// followOperation is Follow for a path of resolve. A link of an operation may
// lack the api-version, which the service asks for all the same (azure-sdks 5).
func (c *Client) followOperation(ctx context.Context, target string) (*Request, error) {
	path, query, _ := strings.Cut(target, "?")
	values, err := url.ParseQuery(query)
	if c.apiVersion != "" && err == nil && !values.Has(acswire.QueryAPIVersion) {
		if query != "" {
			query += "&"
		}
		target = path + "?" + query + acswire.QueryAPIVersion + "=" + url.QueryEscape(c.apiVersion)
	}
	return c.newRequest(ctx, http.MethodGet, target)
}

// resolve returns path and query of a link, as they will be sent.
func (c *Client) resolve(link string) (string, error) {
	u, err := c.endpoint.Parse(link)
	if err != nil {
		return "", fmt.Errorf("%w: it cannot be read", ErrForeignLink)
	}
	if u.Scheme != c.endpoint.Scheme || !strings.EqualFold(hostPort(u), hostPort(c.endpoint)) || u.User != nil {
		return "", fmt.Errorf("%w: %s://%s", ErrForeignLink, u.Scheme, u.Host)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.RequestURI(), nil
}

// hostPort spells out the port that the scheme implies: the resource manager's
// links have it.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// Path fills the {name} places of a route with escaped values, in their order.
// The error wraps ErrInvalidParameter and names the place: a value is empty or
// one that a path cannot carry ("." and "..").
func Path(route string, values ...string) (string, error) {
	var b strings.Builder
	rest := route
	for _, value := range values {
		before, after, ok := strings.Cut(rest, "{")
		name, tail, closed := strings.Cut(after, "}")
		if !ok || !closed {
			return "", fmt.Errorf("%w: more values than places in %s", ErrInvalidParameter, route)
		}
		if value == "" || value == "." || value == ".." {
			return "", fmt.Errorf("%w: %s must not be %q", ErrInvalidParameter, name, value)
		}
		b.WriteString(before + acswire.EscapePathValue(value))
		rest = tail
	}
	if strings.Contains(rest, "{") {
		return "", fmt.Errorf("%w: fewer values than places in %s", ErrInvalidParameter, route)
	}
	return b.String() + rest, nil
}
