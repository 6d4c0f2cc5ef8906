package arm

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/operations"
	"github.com/parley-rtc/parley/server/resource"
	"github.com/parley-rtc/parley/server/store"
)

// Operations writes work down that goes on after the answer; it is
// *operations.Service.
type Operations interface {
	Start(tx *store.Tx, op operations.Operation) error
	Wake()
	Get(ctx context.Context, id string) (operations.Operation, error)
}

// Hosts is where resources are served.
type Hosts interface {
	// HostOf returns the host of a resource, with its port unless that is 443.
	HostOf(r *resource.Resource) string
	// Open serves a resource and returns the port of its own that it has now; 0
	// when it needs none. It does nothing for one that is served already.
	Open(r *resource.Resource) (port int, err error)
}

// Eraser removes what an area holds of a resource: connections that are open,
// rows in the database. It may be called again after a part was removed.
type Eraser func(ctx context.Context, id guid.GUID) error

// Options configure the service.
type Options struct {
	// Resources and Hosts are required.
	Resources *resource.Directory
	Hosts     Hosts
	// Erasers remove what the areas hold of a resource that is deleted, in this
	// order: first those that close connections.
	Erasers []Eraser
	// Logger hears of resources that come and go; nil is silent.
	Logger *slog.Logger
}

// Service answers the resource manager's operations. Its methods may be called
// from any goroutine.
type Service struct {
	options    Options
	operations Operations
}

// New returns a service. Before its operations are answered, Use says where
// work is written down.
func New(options Options) *Service {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{options: options}
}

// Use sets where work is written down.
func (s *Service) Use(o Operations) { s.operations = o }

// Area returns the handlers of all operations.
func (s *Service) Area() front.Area {
	handlers := map[string]front.Handler{
		acswire.OpARMOperationsList:              s.listOperations,
		acswire.OpARMOperationStatusGet:          s.status,
		acswire.OpARMSubscriptionOperationStatus: s.status,
		acswire.OpARMCheckNameAvailability:       s.checkName,
		acswire.OpARMServicesListBySubscription:  s.list,
		acswire.OpARMServicesListByResourceGroup: s.list,
		acswire.OpARMServicesGet:                 s.get,
		acswire.OpARMServicesCreateOrUpdate:      s.put,
		acswire.OpARMServicesUpdate:              s.patch,
		acswire.OpARMServicesDelete:              s.remove,
		acswire.OpARMServicesListKeys:            s.listKeys,
		acswire.OpARMServicesRegenerateKey:       s.regenerateKey,
		acswire.OpARMServicesLinkNotificationHub: s.linkNotificationHub,
		acswire.OpARMSMTPUsernamesList:           s.smtpUsernames,
		acswire.OpARMEmailListVerifiedExchange:   s.noExchangeDomains,
		acswire.OpARMEmailListBySubscription:     s.noEmailServices,
		acswire.OpARMEmailListByResourceGroup:    s.noEmailServices,
	}
	for _, o := range acswire.Operations(acswire.AreaResourceManager) {
		if handlers[o.ID] == nil {
			handlers[o.ID] = s.noEmail(o)
		}
	}
	return front.Area{Area: acswire.AreaResourceManager, Handlers: handlers}
}

// retrySeconds is what a client is told to wait before it asks again. The work
// takes milliseconds; an SDK that is told nothing waits half a minute.
const retrySeconds = "1"

// timestamp is the form of times.
func timestamp(t time.Time) *string {
	return ptr(t.UTC().Format("2006-01-02T15:04:05.0000000Z"))
}

func ptr[T any](v T) *T { return &v }

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func refuse(status int, code, target, message string) *front.Error {
	return &front.Error{Status: status, Code: code, Target: target, Message: message}
}

func invalid(target, message string) *front.Error {
	return refuse(http.StatusBadRequest, acswire.CodeARMInvalidRequestContent, target, message)
}
