package arm

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/resource"
)

const (
	defaultPage = 100
	maxPage     = 1000
	queryTop    = "$top"
	querySkip   = "$skiptoken"
)

func (s *Service) get(ctx context.Context, r *front.Request) (*front.Response, error) {
	sc, err := s.scope(r)
	if err != nil {
		return nil, err
	}
	c, err := conditionsOf(r)
	if err != nil {
		return nil, err
	}
	res, err := s.find(ctx, sc)
	if err != nil {
		return nil, err
	}
	if c.noneMatchGiven && c.noneMatch.has(res) {
		return &front.Response{Status: http.StatusNotModified, Header: http.Header{acswire.HeaderETag: {etagOf(res)}}}, nil
	}
	return s.answer(r, http.StatusOK, res, res.State), nil
}

// list answers with a page of the resources of the subscription or a group.
func (s *Service) list(ctx context.Context, r *front.Request) (*front.Response, error) {
	sc, err := s.scope(r)
	if err != nil {
		return nil, err
	}
	top, after, err := pageOf(r.Query())
	if err != nil {
		return nil, err
	}
	// One more tells whether there is another page.
	found, err := s.options.Resources.List(ctx, sc.group, after, top+1)
	if err != nil {
		return nil, err
	}
	page := &acswire.CommunicationServiceResourceList{Value: make([]*acswire.CommunicationServiceResource, 0, min(len(found), top))}
	for _, res := range found[:min(len(found), top)] {
		page.Value = append(page.Value, s.model(r.Contract, res, res.State))
	}
	if len(found) > top {
		page.NextLink = ptr(s.nextLink(r, sc, found[top-1]))
	}
	return &front.Response{Status: http.StatusOK, Body: page}, nil
}

// pageOf reads how many resources are asked for, and behind which.
func pageOf(q url.Values) (top int, after string, err error) {
	top = defaultPage
	if text := q.Get(queryTop); text != "" {
		if top, err = strconv.Atoi(text); err != nil || top < 1 || top > maxPage {
			return 0, "", invalid(queryTop, "$top is a number from 1 to 1000.")
		}
	}
	token := q.Get(querySkip)
	if token == "" {
		// Some clients write it as ARM's own documents do.
		token = q.Get("$skipToken")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) > maxName || !utf8.Valid(raw) {
		return 0, "", refuse(http.StatusBadRequest, acswire.CodeARMInvalidSkipToken, querySkip, "The link to the next page is not one of this service.")
	}
	return top, string(raw), nil
}

// nextLink is the address of the page behind a resource.
func (s *Service) nextLink(r *front.Request, sc scope, last *resource.Resource) string {
	path := "/subscriptions/" + sc.subscription.String()
	if sc.group != "" {
		path += "/resourceGroups/" + acswire.EscapePathValue(sc.group)
	}
	q := url.Values{acswire.QueryAPIVersion: {r.Version.String()}, querySkip: {base64.RawURLEncoding.EncodeToString([]byte(resource.Fold(last.Name)))}}
	if top := r.Query().Get(queryTop); top != "" {
		q.Set(queryTop, top)
	}
	return r.URL(path + "/providers/" + acswire.TypeCommunicationService + "?" + q.Encode())
}

// put creates a resource, or changes one to what the body says.
func (s *Service) put(ctx context.Context, r *front.Request) (*front.Response, error) {
	sc, err := s.scope(r)
	if err != nil {
		return nil, err
	}
	c, err := conditionsOf(r)
	if err != nil {
		return nil, err
	}
	p, err := planOf(r, sc.name)
	if err != nil {
		return nil, err
	}
	res, err := s.options.Resources.Find(ctx, sc.name)
	switch {
	case errors.Is(err, resource.ErrNotFound):
		res, err := s.create(ctx, r, sc, c, p)
		if !errors.Is(err, resource.ErrNameTaken) {
			return res, err
		}
		// Another request was faster.
		if old, err := s.find(ctx, sc); err == nil {
			return s.replace(ctx, r, old, c, p)
		}
		return nil, nameTaken()
	case err != nil:
		return nil, err
	case !sc.holds(res):
		return nil, nameTaken()
	}
	return s.replace(ctx, r, res, c, p)
}

// nameTaken refuses a name that another resource has, as recorded of ACS.
func nameTaken() error {
	return refuse(http.StatusBadRequest, acswire.CodeARMHostNamePrefixTaken, "communicationServiceName",
		"The name belongs to a resource of another group: it is the name of a host.")
}

func (s *Service) create(ctx context.Context, r *front.Request, sc scope, c conditions, p *plan) (*front.Response, error) {
	if err := c.check(nil); err != nil {
		return nil, err
	}
	draft, err := p.draft(sc)
	if err != nil {
		return nil, err
	}
	w := s.work(kindCreate)
	res, err := s.options.Resources.Create(ctx, draft, actorOf(r), w.note)
	if err != nil {
		return nil, err
	}
	s.operations.Wake()
	s.options.Logger.Info("resource asked for", "resource", res)
	return s.begun(r, res, w), nil
}

// replace changes a resource to what a PUT says.
func (s *Service) replace(ctx context.Context, r *front.Request, old *resource.Resource, c conditions, p *plan) (*front.Response, error) {
	kind := kindUpdate
	if !old.Active() {
		kind = kindCreate // it never came to life
	}
	w := s.work(kind)
	res, err := s.options.Resources.Update(ctx, old.ID, actorOf(r), func(res *resource.Resource) error {
		if err := changeable(res, c); err != nil {
			return err
		}
		if res.State == resource.StateFailed {
			res.State = resource.StateCreating
		}
		return p.apply(res)
	}, w.note)
	switch {
	case errors.Is(err, resource.ErrNotFound):
		return nil, refuse(http.StatusConflict, acswire.CodeARMConflict, "", "The resource was just deleted. Try again.")
	case err != nil:
		return nil, err
	case !w.noted:
		return s.answer(r, http.StatusOK, res, res.State), nil
	}
	s.operations.Wake()
	return s.begun(r, res, w), nil
}

// changeable refuses to change a resource that is going away, or is not as the
// request's conditions want it.
func changeable(res *resource.Resource, c conditions) error {
	if res.State == resource.StateDeleting {
		return refuse(http.StatusConflict, acswire.CodeARMConflict, "", "The resource is being deleted.")
	}
	return c.check(res)
}

// begun answers a request whose work goes on.
func (s *Service) begun(r *front.Request, res *resource.Resource, w *work) *front.Response {
	response := s.answer(r, http.StatusCreated, res, resource.StateCreating)
	response.Header.Set(acswire.HeaderAsyncOperation, s.statusLink(r, res, w.id))
	response.Header.Set(acswire.HeaderRetryAfter, retrySeconds)
	return response
}

// patch changes the tags or properties of a resource.
func (s *Service) patch(ctx context.Context, r *front.Request) (*front.Response, error) {
	sc, err := s.scope(r)
	if err != nil {
		return nil, err
	}
	c, err := conditionsOf(r)
	if err != nil {
		return nil, err
	}
	p, err := planOfUpdate(r)
	if err != nil {
		return nil, err
	}
	res, err := s.change(ctx, r, sc, func(res *resource.Resource) error {
		if err := changeable(res, c); err != nil {
			return err
		}
		if res.State != resource.StateActive {
			p.set(res)
			return nil
		}
		return p.apply(res)
	})
	if err != nil {
		return nil, err
	}
	return s.answer(r, http.StatusOK, res, res.State), nil
}

// change changes the resource that a path names.
func (s *Service) change(ctx context.Context, r *front.Request, sc scope, f func(res *resource.Resource) error) (*resource.Resource, error) {
	old, err := s.find(ctx, sc)
	if err != nil {
		return nil, err
	}
	res, err := s.options.Resources.Update(ctx, old.ID, actorOf(r), f, nil)
	if errors.Is(err, resource.ErrNotFound) {
		return nil, sc.notFound()
	}
	return res, err
}

// remove deletes a resource. It is served no more when the answer is sent; the
// rest goes on after it.
func (s *Service) remove(ctx context.Context, r *front.Request) (*front.Response, error) {
	sc, err := s.scope(r)
	if err != nil {
		return nil, err
	}
	c, err := conditionsOf(r)
	if err != nil {
		return nil, err
	}
	old, err := s.options.Resources.Find(ctx, sc.name)
	switch {
	case errors.Is(err, resource.ErrNotFound) || err == nil && !sc.holds(old):
		return &front.Response{Status: http.StatusNoContent}, nil
	case err != nil:
		return nil, err
	case old.Name == resource.DefaultName:
		return nil, refuse(http.StatusConflict, acswire.CodeARMScopeLocked, "communicationServiceName",
			"The resource '"+resource.DefaultName+"' is the one of connection.json and cannot be deleted. Its keys can be made anew, its users deleted.")
	}
	w := s.work(kindDelete)
	res, err := s.options.Resources.Update(ctx, old.ID, actorOf(r), func(res *resource.Resource) error {
		if res.State != resource.StateDeleting {
			if err := c.check(res); err != nil {
				return err
			}
		}
		res.State = resource.StateDeleting
		return nil
	}, w.note)
	if errors.Is(err, resource.ErrNotFound) {
		return &front.Response{Status: http.StatusNoContent}, nil
	}
	if err != nil {
		return nil, err
	}
	s.operations.Wake()
	s.options.Logger.Info("resource is being deleted", "resource", res)
	link := s.statusLink(r, res, w.id)
	return &front.Response{Status: http.StatusAccepted, Header: http.Header{
		acswire.HeaderAsyncOperation: {link}, acswire.HeaderLocation: {link}, acswire.HeaderRetryAfter: {retrySeconds},
		acswire.HeaderContentType: {acswire.ContentTypeJSON}, // as recorded, although there is none
	}}, nil
}
