package core

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
)

// LoggingOptions say what is logged. Requests and answers go out at level
// debug, failures to get an answer at level warn. Bodies are never logged;
// header and query values only when their name is allowed here or harmless by
// itself; path segments that are phone numbers never.
type LoggingOptions struct {
	// Logger gets the records. Nil: silence.
	Logger *slog.Logger
	// AllowedHeaders are names of further headers whose values may be logged.
	AllowedHeaders []string
	// AllowedQueryParameters are names of further query parameters whose values
	// may be logged.
	AllowedQueryParameters []string
}

func harmlessHeaders() []string {
	return []string{
		"Accept", "Api-Supported-Versions", "Cache-Control", "Connection", "Content-Length", "Content-Type", "Date",
		"Etag", "Expires", "If-Match", "If-Modified-Since", "If-None-Match", "If-Unmodified-Since", "Last-Modified",
		"Mise-Correlation-Id", "Pragma", "Repeatability-First-Sent", "Repeatability-Request-Id", "Repeatability-Result",
		"Retry-After", "Retry-After-Ms", "Server", "Traceparent", "Transfer-Encoding", "User-Agent",
		acswire.HeaderClientRequestID, acswire.HeaderMSDate, acswire.HeaderErrorCode, acswire.HeaderRequestID,
		"X-Ms-Retry-After-Ms", "X-Ms-Return-Client-Request-Id",
	}
}

type loggingPolicy struct {
	logger  *slog.Logger
	headers map[string]bool
	query   map[string]bool
}

func newLoggingPolicy(options LoggingOptions) Policy {
	if options.Logger == nil {
		return PolicyFunc((*Request).Next)
	}
	p := &loggingPolicy{logger: options.Logger, headers: map[string]bool{}, query: map[string]bool{}}
	for _, name := range slices.Concat(harmlessHeaders(), options.AllowedHeaders) {
		p.headers[http.CanonicalHeaderKey(name)] = true
	}
	for _, name := range slices.Concat([]string{acswire.QueryAPIVersion}, options.AllowedQueryParameters) {
		p.query[strings.ToLower(name)] = true
	}
	return p
}

func (p *loggingPolicy) Do(req *Request) (*http.Response, error) {
	ctx := req.raw.Context()
	debug := p.logger.Enabled(ctx, slog.LevelDebug)
	id := slog.String("request_id", req.raw.Header.Get(acswire.HeaderClientRequestID))
	if debug {
		p.logger.LogAttrs(ctx, slog.LevelDebug, "rest: request", id, slog.Int("try", req.try+1),
			slog.String("method", req.raw.Method), slog.String("url", p.url(req.raw.URL)), p.headerAttr(req.raw.Header))
	}
	start := time.Now()
	resp, err := req.Next()
	took := slog.Duration("took", time.Since(start))
	if err != nil {
		p.logFailure(ctx, req, err, id, took)
		return nil, err
	}
	if debug {
		p.logger.LogAttrs(ctx, slog.LevelDebug, "rest: response", id, slog.Int("try", req.try+1),
			slog.Int("status", resp.StatusCode), took, p.headerAttr(resp.Header))
	}
	return resp, nil
}

func (p *loggingPolicy) logFailure(ctx context.Context, req *Request, err error, attrs ...slog.Attr) {
	attrs = append(attrs, slog.Int("try", req.try+1), slog.String("method", req.raw.Method),
		slog.String("url", p.url(req.raw.URL)), slog.String("error", err.Error()))
	p.logger.LogAttrs(ctx, slog.LevelWarn, "rest: no response", attrs...)
}

func (p *loggingPolicy) headerAttr(header http.Header) slog.Attr {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	attrs := make([]any, 0, len(names))
	for _, name := range names {
		value := redacted
		if p.headers[http.CanonicalHeaderKey(name)] {
			value = strings.Join(header[name], ", ")
		}
		attrs = append(attrs, slog.String(name, value))
	}
	return slog.Group("headers", attrs...)
}

// url writes a URL with the values of its query redacted but for the allowed ones.
func (p *loggingPolicy) url(u *url.URL) string {
	var b strings.Builder
	b.WriteString(redactedURL(u))
	sep := byte('?')
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if !p.query[strings.ToLower(name)] {
			value = redacted
		}
		b.WriteByte(sep)
		b.WriteString(name + "=" + value)
		sep = '&'
	}
	return b.String()
}

// redactedURL returns scheme, host and path; the segments of the path that are
// phone numbers are redacted, the query is left out.
func redactedURL(u *url.URL) string {
	segments := strings.Split(u.EscapedPath(), "/")
	for i, segment := range segments {
		if isNumber(segment) {
			segments[i] = redacted
		}
	}
	return u.Scheme + "://" + u.Host + strings.Join(segments, "/")
}

// isNumber tells whether a path segment is a phone number or the raw id of one.
func isNumber(segment string) bool {
	s, err := url.PathUnescape(segment)
	if err != nil {
		return true
	}
	rest, isRawID := strings.CutPrefix(s, "4:")
	digits := strings.TrimPrefix(rest, "+")
	if isRawID || digits != rest {
		return true
	}
	return len(digits) >= 3 && strings.Trim(digits, "0123456789") == ""
}
