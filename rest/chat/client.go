package chat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

const (
	// DefaultAPIVersion is the version of the contract that a client asks for
	// when its options name none.
	DefaultAPIVersion = "2025-03-15"
	// imagesAPIVersion is the only version that has images.
	imagesAPIVersion = "2024-06-05-preview"
	// oldestAPIVersion is the first one of today's form.
	oldestAPIVersion = "2021-03-07"

	moduleName    = "chat"
	moduleVersion = "v0.1.0"
)

// ErrUnsupportedAPIVersion says that the options name a version that the client
// does not speak.
var ErrUnsupportedAPIVersion = errors.New("chat: unsupported api-version")

// ErrIncompleteAnswer says that the service answered with success but left out
// what the contract requires.
var ErrIncompleteAnswer = errors.New("chat: the answer is incomplete")

// Client makes, lists and deletes the threads of one user. It is immutable and
// safe for many goroutines.
type Client struct {
	core *core.Client
}

// NewClient returns a client of the user whose tokens the credential gives.
// endpoint is the root URL of the resource. options may be nil. The error wraps
// core.ErrInvalidEndpoint, core.ErrInvalidParameter or ErrUnsupportedAPIVersion.
func NewClient(endpoint string, credential common.TokenCredential, options *ClientOptions) (*Client, error) {
	if credential == nil {
		return nil, fmt.Errorf("%w: no credential", core.ErrInvalidParameter)
	}
	if options == nil {
		options = &ClientOptions{}
	}
	version := options.APIVersion
	if version == "" {
		version = DefaultAPIVersion
	}
	if err := checkVersion(version); err != nil {
		return nil, err
	}
	c, err := core.NewClient(core.ClientConfig{
		Module: moduleName, Version: moduleVersion, Endpoint: endpoint, APIVersion: version,
		Credential: common.NewTokenPolicy(credential, &core.BearerPolicyOptions{AllowPlainHTTP: options.AllowPlainHTTP}),
	}, &options.ClientOptions)
	if err != nil {
		return nil, err
	}
	return &Client{core: c}, nil
}

func checkVersion(version string) error {
	asked, err := acswire.ParseVersion(version)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupportedAPIVersion, err)
	}
	oldest, err := acswire.ParseVersion(oldestAPIVersion)
	if err != nil {
		return err
	}
	if asked.Compare(oldest) < 0 {
		return fmt.Errorf("%w: %s is older than %s", ErrUnsupportedAPIVersion, version, oldestAPIVersion)
	}
	return nil
}

// NewThreadClient returns a client for one thread. It sends nothing: whether
// the thread exists, and whether the user is in it, the first call tells. The
// error wraps core.ErrInvalidParameter when the id cannot be one.
func (c *Client) NewThreadClient(threadID string) (*ThreadClient, error) {
	if _, err := core.Path(acswire.RouteChatThread, threadID); err != nil {
		return nil, err
	}
	return &ThreadClient{core: c.core, id: threadID}, nil
}

// CreateThread makes a thread with a topic. The user is its first participant,
// named among the options or not. Users that could not be added are in
// InvalidParticipants of the response.
func (c *Client) CreateThread(ctx context.Context, topic string, options *ClientCreateThreadOptions) (ClientCreateThreadResponse, error) {
	if options == nil {
		options = &ClientCreateThreadOptions{}
	}
	id := core.NewUUID()
	if options.RepeatabilityRequestID != nil {
		id = *options.RepeatabilityRequestID
	}
	participants, err := wireParticipants(options.Participants)
	if err != nil {
		return ClientCreateThreadResponse{}, err
	}
	var made ClientCreateThreadResponse
	_, err = c.core.Call(ctx, core.Call{
		Method: http.MethodPost, Path: acswire.RouteChatThreads, Success: []int{http.StatusCreated}, Into: &made,
		// One id for all tries: they are one creation.
		Header: http.Header{acswire.HeaderRepeatabilityID: {id}},
		Body: acswire.CreateChatThreadRequest{
			Topic: &topic, Participants: participants, Metadata: options.Metadata, RetentionPolicy: wireRetention(options.RetentionPolicy),
		},
	})
	if err != nil {
		return ClientCreateThreadResponse{}, err
	}
	if made.Thread == nil || made.Thread.ID == nil || *made.Thread.ID == "" {
		return ClientCreateThreadResponse{}, fmt.Errorf("%w: no thread", ErrIncompleteAnswer)
	}
	return made, nil
}

// DeleteThread deletes a thread for all its participants. The service refuses
// with CodeNotFound one that is not there, or is deleted already.
func (c *Client) DeleteThread(ctx context.Context, threadID string, _ *ClientDeleteThreadOptions) (ClientDeleteThreadResponse, error) {
	path, err := core.Path(acswire.RouteChatThread, threadID)
	if err != nil {
		return ClientDeleteThreadResponse{}, err
	}
	_, err = c.core.Call(ctx, core.Call{Method: http.MethodDelete, Path: path, Success: []int{http.StatusNoContent}})
	return ClientDeleteThreadResponse{}, err
}

// NewListThreadsPager returns a pager over the threads that the user is in.
func (c *Client) NewListThreadsPager(options *ClientListThreadsOptions) *core.Pager[ClientListThreadsResponse] {
	if options == nil {
		options = &ClientListThreadsOptions{}
	}
	query := sinceQuery(options.MaxPageSize, options.StartTime)
	return core.NewPager(core.LinkPages(c.core, first(c.core, acswire.RouteChatThreads, query),
		func(page ClientListThreadsResponse) *string { return page.NextLink }))
}

// first makes the request for the first page of a list.
func first(c *core.Client, route string, query url.Values, values ...string) func(context.Context) (*core.Request, error) {
	return func(ctx context.Context) (*core.Request, error) {
		path, err := core.Path(route, values...)
		if err != nil {
			return nil, err
		}
		return c.NewRequest(ctx, http.MethodGet, path, query)
	}
}

// sinceQuery is that of the lists that begin at a time.
func sinceQuery(size *int32, start *time.Time) url.Values {
	query := sizeQuery(size)
	if start != nil {
		query.Set(acswire.QueryStartTime, *formatTime(start))
	}
	return query
}

// skipQuery is that of the lists that leave out the first entries.
func skipQuery(size, skip *int32) url.Values {
	query := sizeQuery(size)
	if skip != nil {
		query.Set(acswire.QuerySkip, strconv.Itoa(int(*skip)))
	}
	return query
}

func sizeQuery(size *int32) url.Values {
	query := url.Values{}
	if size != nil {
		query.Set(acswire.QueryMaxPageSize, strconv.Itoa(int(*size)))
	}
	return query
}
