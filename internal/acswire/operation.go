package acswire

import "strings"

// Auth is how the sender of a request proves who it is.
type Auth uint8

// Kinds of proof.
const (
	// AuthNone asks for nothing.
	AuthNone Auth = iota + 1
	// AuthService is an access key's signature, or a bearer token of a service
	// principal for the data plane.
	AuthService
	// AuthUser is a user access token.
	AuthUser
	// AuthExchange is the bearer token of another issuer, which the operation
	// itself checks and exchanges.
	AuthExchange
	// AuthManagement is a bearer token for the resource manager.
	AuthManagement
)

// ParameterIn is where a parameter stands in a request.
type ParameterIn uint8

// Places of a parameter.
const (
	InPath ParameterIn = iota + 1
	InQuery
	InHeader
)

// ParameterKind is the type of a parameter's value.
type ParameterKind uint8

// Types of a parameter's value.
const (
	KindString ParameterKind = iota + 1
	KindInteger
	KindBoolean
	KindDateTime
	KindUUID
	// KindHTTPTime is a time as headers have it, RFC 9110 5.6.7.
	KindHTTPTime
)

// Parameter is a value of a request beside its body.
type Parameter struct {
	Name     string
	In       ParameterIn
	Kind     ParameterKind
	Required bool
	// Description is a sentence for a reader of the documents.
	Description string
	// Values are the values allowed, when they are few.
	Values []string
}

// OperationResponse is one way to answer a request.
type OperationResponse struct {
	Status int
	// Body is the zero value of the model that the body carries; nil for none.
	Body any
	// Headers are the names of headers that the answer carries beside those of
	// every answer.
	Headers     []string
	Description string
}

// Repeatability is how a client marks a request that may come twice.
type Repeatability uint8

// Ways to mark a request (acs-rest 1.4).
const (
	// RepeatNone is no way.
	RepeatNone Repeatability = iota
	// RepeatPair is the headers Repeatability-Request-ID and
	// Repeatability-First-Sent together.
	RepeatPair
	// RepeatID is the id alone.
	RepeatID
)

// MaxBuffered is the largest body that is held in memory, and the largest that
// an operation takes which does not say otherwise.
const MaxBuffered = 1 << 20

// Operation is one operation of an area. One table of them drives routing,
// documents and checks.
type Operation struct {
	Area Area
	// ID is the operation's name: unique in its area for every contract.
	ID string
	// Method and Route are what is matched; the route has {name} for a
	// percent-encoded value.
	Method, Route string
	// First and Last are the contracts that have the operation; a zero Last
	// means that it still exists.
	First, Last Version
	// Also are further versions asked for, outside First to Last, that the
	// operation answers: it shipped in them before it was specified.
	Also []Version
	Auth Auth
	// Summary is a line for a reader of the documents.
	Summary    string
	Parameters []Parameter
	// Request is the zero value of the body's model; nil for no body.
	Request any
	// RequestOptional tells that the body may be absent.
	RequestOptional bool
	// RequestTypes are the media types of the body; none is JSON.
	RequestTypes []string
	// MaxRequest is how large the body may be; zero is MaxBuffered. What is
	// larger than MaxBuffered waits in a file until it was checked.
	MaxRequest int64
	Responses  []OperationResponse
	// ResponseTypes are the media types of a good answer that is no JSON.
	ResponseTypes []string
	// Repeatability is how a client marks a request that may come twice.
	Repeatability Repeatability
	// LongRunning tells that the answer is not the end of the work; Paged that
	// the answer has a nextLink.
	LongRunning, Paged bool
	// NotOffered tells that the operation is answered with an error that says
	// that the service does not offer it.
	NotOffered bool
	// Note is what a reader of the table of compatibility should know; mostly
	// empty.
	Note string
}

// pathNames returns the names of a route's values.
func pathNames(route string) []string {
	var names []string
	for _, part := range strings.Split(route, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		names = append(names, name)
	}
	return names
}

// In tells whether the operation answers a version.
func (o *Operation) In(v ServedVersion) bool {
	for _, also := range o.Also {
		if also == v.Version {
			return true
		}
	}
	if v.Contract.Compare(o.First) < 0 {
		return false
	}
	return o.Last == Version{} || v.Contract.Compare(o.Last) <= 0
}

// Operations returns the operations of an area.
func Operations(a Area) []Operation {
	switch a {
	case AreaIdentity:
		return identityOperations()
	case AreaResourceManager:
		return armOperations()
	case AreaChat:
		return chatOperations()
	case AreaNone:
	}
	return nil
}

// FindOperation returns the operation with an id that answers a version.
func FindOperation(a Area, id string, v ServedVersion) (Operation, bool) {
	for _, o := range Operations(a) {
		if o.ID == id && o.In(v) {
			return o, true
		}
	}
	return Operation{}, false
}
