package arm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/operations"
	"github.com/parley-rtc/parley/server/resource"
	"github.com/parley-rtc/parley/server/store"
)

// Kinds of work that goes on after an answer.
const (
	kindCreate = "arm.create"
	kindUpdate = "arm.update"
	kindDelete = "arm.delete"
)

// Kinds returns what does the work, for operations.Options.
func (s *Service) Kinds() map[string]operations.Func {
	return map[string]operations.Func{
		kindCreate: s.doCreate,
		// The change is made already; what asks for its state finds it done.
		kindUpdate: func(context.Context, operations.Operation) (string, error) { return "", nil },
		kindDelete: s.doDelete,
	}
}

// work is a piece of work that a request begins.
type work struct {
	service  *Service
	kind, id string
	noted    bool
}

func (s *Service) work(kind string) *work {
	return &work{service: s, kind: kind, id: operations.NewID()}
}

// input is what the work is given.
type input struct {
	ID string `json:"id"` // of the resource
}

// note writes the work down in the transaction that accepts it.
func (w *work) note(tx *store.Tx, r *resource.Resource) error {
	in, err := json.Marshal(input{ID: r.ID.String()})
	if err != nil {
		return err
	}
	w.noted = true
	return w.service.operations.Start(tx, operations.Operation{ID: w.id, Kind: w.kind, Target: r.Path(), Input: string(in)})
}

// subject returns the id of the resource that work is about.
func subject(op operations.Operation) (guid.GUID, error) {
	var in input
	if err := json.Unmarshal([]byte(op.Input), &in); err != nil {
		return guid.GUID{}, fmt.Errorf("arm: %s %s: %w", op.Kind, op.ID, err)
	}
	id, err := guid.Parse(in.ID)
	if err != nil {
		return guid.GUID{}, fmt.Errorf("arm: %s %s: %w", op.Kind, op.ID, err)
	}
	return id, nil
}

// doCreate serves a resource that was asked for.
func (s *Service) doCreate(ctx context.Context, op operations.Operation) (string, error) {
	id, err := subject(op)
	if err != nil {
		return "", err
	}
	// Another node may have asked for it.
	if err := s.options.Resources.Refresh(ctx); err != nil {
		return "", err
	}
	res := s.options.Resources.ByID(id)
	if res == nil || res.State == resource.StateDeleting {
		return "", &operations.FailedError{Code: acswire.CodeARMConflict, Message: "The resource was deleted meanwhile."}
	}
	port, failure := s.options.Hosts.Open(res)
	_, err = s.options.Resources.Update(ctx, id, res.Modified.By, func(r *resource.Resource) error {
		switch {
		case r.State == resource.StateDeleting || r.State == resource.StateActive && failure == nil && r.Port == port:
			return resource.ErrUnchanged
		case failure != nil:
			r.State = resource.StateFailed
		default:
			r.State, r.Port = resource.StateActive, port
		}
		return nil
	}, nil)
	if err != nil && !errors.Is(err, resource.ErrNotFound) {
		return "", err
	}
	if failure != nil {
		s.options.Logger.Error("resource cannot be served", "resource", res, "error", failure)
		return "", &operations.FailedError{Code: acswire.CodeARMConflict, Message: "There is no free port for the resource."}
	}
	return "", nil
}

// doDelete closes what the users of a resource have open, removes what is
// theirs, then the resource.
func (s *Service) doDelete(ctx context.Context, op operations.Operation) (string, error) {
	id, err := subject(op)
	if err != nil {
		return "", err
	}
	for _, erase := range s.options.Erasers {
		if err := erase(ctx, id); err != nil {
			return "", err
		}
	}
	if err := s.options.Resources.Remove(ctx, id); err != nil {
		return "", err
	}
	s.options.Logger.Info("resource deleted", "path", op.Target)
	return "", nil
}

// location is the region in links to operations.
const location = "global"

// statusLink is the address at which a client asks how far work has come.
func (s *Service) statusLink(r *front.Request, res *resource.Resource, id string) string {
	return r.URL(statusPath(res.SubscriptionID.String(), location, id) + "?" + acswire.QueryAPIVersion + "=" + r.Version.String())
}

func statusPath(subscription, location, id string) string {
	path := "/providers/Microsoft.Communication/locations/" + acswire.EscapePathValue(location) + "/operationStatuses/" + acswire.EscapePathValue(id)
	if subscription != "" {
		path = "/subscriptions/" + subscription + path
	}
	return path
}

// status tells how far work has come. Deleting is answered with 202 until it is
// done, as recorded: clients that follow the Location header go by that.
func (s *Service) status(ctx context.Context, r *front.Request) (*front.Response, error) {
	var subscription string
	if strings.Contains(r.Operation.Route, "{subscriptionId}") {
		id, err := s.subscription(r)
		if err != nil {
			return nil, err
		}
		subscription = id.String()
	}
	op, err := s.operations.Get(ctx, r.Param("operationId"))
	if errors.Is(err, operations.ErrNotFound) || err == nil && s.Kinds()[op.Kind] == nil {
		return nil, refuse(http.StatusNotFound, acswire.CodeARMOperationStatusNotFound, "operationId", "There is no such operation, or it ended too long ago.")
	}
	if err != nil {
		return nil, err
	}
	path := statusPath(subscription, r.Param("location"), op.ID)
	m := &acswire.AsyncOperationStatus{ID: &path, Name: &op.ID, ResourceID: &op.Target, StartTime: timestamp(op.Created)}
	response := &front.Response{Status: http.StatusOK, Body: m}
	if op.State.Done() {
		m.EndTime = timestamp(op.Updated)
	} else {
		response.Header = http.Header{acswire.HeaderRetryAfter: {retrySeconds}}
	}
	switch op.State {
	case operations.StateSucceeded:
		m.Status = ptr(acswire.ProvisioningStateSucceeded)
	case operations.StateCanceled:
		m.Status = ptr(acswire.ProvisioningStateCanceled)
	case operations.StateFailed:
		m.Status = ptr(acswire.ProvisioningStateFailed)
		if op.Failure != nil {
			m.Error = &acswire.Error{Code: op.Failure.Code, Message: op.Failure.Message}
		}
	case operations.StateNotStarted, operations.StateRunning:
		m.Status = ptr(acswire.ProvisioningStateAccepted)
		if op.Kind == kindDelete {
			m.Status, response.Status = ptr(acswire.ProvisioningStateDeleting), http.StatusAccepted
			link := r.URL(path + "?" + acswire.QueryAPIVersion + "=" + r.Version.String())
			response.Header.Set(acswire.HeaderAsyncOperation, link)
			response.Header.Set(acswire.HeaderLocation, link)
		}
	}
	return response, nil
}
