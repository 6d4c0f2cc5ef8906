package front

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/resource"
)

// Errors of the functions in Authenticators.
var (
	// ErrTokenInvalid says that a token is not good, and never was here.
	ErrTokenInvalid = errors.New("front: invalid token")
	// ErrTokenExpired says that a token was good once.
	ErrTokenExpired = errors.New("front: token expired")
)

// Subject is who a bearer token of a foreign issuer stands for.
type Subject struct {
	Issuer, Subject string
	// ObjectID, TenantID and AppID are empty when the token does not say.
	ObjectID, TenantID, AppID string
}

// User is who a user access token stands for.
type User struct {
	// RawID is "8:acs:<resource>_<user>".
	RawID          string
	ResourceID, ID guid.GUID
	Scopes         []string
	Expires        time.Time
}

// Authenticators check bearer tokens. Their errors are ErrTokenInvalid,
// ErrTokenExpired, an *Error that is answered as it says, or anything else for
// a failure of the service. They are called from the goroutines of requests.
type Authenticators struct {
	// ServiceBearer checks a token for the data plane of a resource.
	ServiceBearer func(ctx context.Context, token string, res *resource.Resource) (Subject, error)
	// Management checks a token for the resource manager.
	Management func(ctx context.Context, token string) (Subject, error)
	// User checks a user access token of a resource.
	User func(ctx context.Context, token string, res *resource.Resource) (User, error)
}

// PrincipalKind says by what a request was authorized.
type PrincipalKind uint8

// Kinds of principals.
const (
	// PrincipalNobody stands for operations that take every request, and for
	// those whose handler checks the token.
	PrincipalNobody PrincipalKind = iota
	// PrincipalAccessKey knows an access key of the resource.
	PrincipalAccessKey
	// PrincipalService has a bearer token for the data plane: Subject.
	PrincipalService
	// PrincipalUser is a user of the resource: User.
	PrincipalUser
	// PrincipalManagement has a bearer token for the resource manager: Subject.
	PrincipalManagement
)

// Principal is who sent a request.
type Principal struct {
	Kind PrincipalKind
	// Subject is set for PrincipalService and PrincipalManagement.
	Subject Subject
	// User is set for PrincipalUser.
	User User
}

// bearer returns the bearer token of a request, empty when it is signed with an
// access key. It fails when what the request carries cannot be good for the
// operation.
func (r *Request) bearer() (string, error) {
	header := r.http.Header.Get(acswire.HeaderAuthorization)
	if acswire.IsAccessKey(header) {
		if r.Operation.Auth != acswire.AuthService {
			return "", r.unauthorized("The operation does not take an access key.")
		}
		return "", nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(r.http.Header.Values(acswire.HeaderAuthorization)) != 1 {
		return "", r.unauthorized("The request carries no credential that the operation takes.")
	}
	return token, nil
}

// authenticate finds out who sent the request.
func (f *Front) authenticate(ctx context.Context, r *Request) error {
	if r.Operation.Auth == acswire.AuthNone {
		return nil
	}
	token, err := r.bearer()
	if err != nil {
		return err
	}
	p, a := &r.Principal, &f.options.Authenticators
	err = ErrTokenInvalid
	switch r.Operation.Auth {
	case acswire.AuthNone:
	case acswire.AuthExchange:
		r.Bearer, err = token, nil
	case acswire.AuthService:
		if token == "" {
			p.Kind = PrincipalAccessKey
			return f.verify(r)
		}
		p.Kind = PrincipalService
		if a.ServiceBearer != nil {
			p.Subject, err = a.ServiceBearer(ctx, token, r.Resource)
		}
	case acswire.AuthUser:
		p.Kind = PrincipalUser
		if a.User != nil {
			p.User, err = a.User(ctx, token, r.Resource)
		}
	case acswire.AuthManagement:
		p.Kind = PrincipalManagement
		if a.Management != nil {
			p.Subject, err = a.Management(ctx, token)
		}
	}
	if errors.Is(err, ErrTokenExpired) || errors.Is(err, ErrTokenInvalid) {
		return r.badToken(err)
	}
	return err
}
