package fake_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/core/fake"
)

// Room is a model.
type Room struct {
	Name string `json:"name"`
}

// RoomList is a page of rooms.
type RoomList struct {
	Value    []Room  `json:"value"`
	NextLink *string `json:"nextLink,omitempty"`
}

// Houses is the fake of a service with an operation that takes a while, and a
// list.
type Houses struct {
	BeginBuild   func(ctx context.Context, name string) (fake.Operation[Room], error)
	NewListPager func() fake.Pages[RoomList]

	operations fake.Operations
}

// Do makes Houses a Transporter.
func (s *Houses) Do(req *http.Request) (*http.Response, error) {
	return fake.Serve(req, []fake.Route{
		{Method: http.MethodPut, Pattern: "/rooms/{id}", Handle: func(r *fake.Request) (*fake.Response, error) {
			return fake.Begin(&s.operations, r, func(ctx context.Context) (fake.Operation[Room], error) {
				return s.BeginBuild(ctx, r.Param("id"))
			})
		}},
		{Method: http.MethodGet, Pattern: "/rooms", Handle: func(r *fake.Request) (*fake.Response, error) {
			return fake.ServePages(r, s.NewListPager(), func(page *RoomList) **string { return &page.NextLink })
		}},
		s.operations.Route(),
	})
}

func ExampleBegin() {
	houses := &Houses{BeginBuild: func(_ context.Context, name string) (fake.Operation[Room], error) {
		return fake.Operation[Room]{Polls: 2, Result: Room{Name: name}}, nil
	}}
	client, err := core.NewClient(core.ClientConfig{Endpoint: "https://fake"}, &core.ClientOptions{Transport: houses})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.Call(context.Background(), core.Call{Method: http.MethodPut, Path: "/rooms/attic"})
	if err != nil {
		fmt.Println(err)
		return
	}
	poller, err := core.NewPoller[Room](client, resp, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	room, err := poller.PollUntilDone(context.Background(), &core.PollUntilDoneOptions{Frequency: time.Millisecond})
	fmt.Println(room.Name, err)
	// Output: attic <nil>
}

func ExampleServePages() {
	houses := &Houses{NewListPager: func() fake.Pages[RoomList] {
		return fake.Pages[RoomList]{Pages: []RoomList{{Value: []Room{{"kitchen"}, {"hall"}}}, {Value: []Room{{"attic"}}}}}
	}}
	client, err := core.NewClient(core.ClientConfig{Endpoint: "https://fake"}, &core.ClientOptions{Transport: houses})
	if err != nil {
		fmt.Println(err)
		return
	}
	pager := core.NewPager(core.LinkPages(client,
		func(ctx context.Context) (*core.Request, error) {
			return client.NewRequest(ctx, http.MethodGet, "/rooms", nil)
		},
		func(page RoomList) *string { return page.NextLink }))
	for page, err := range pager.Pages(context.Background()) {
		fmt.Println(page.Value, err)
	}
	// Output:
	// [{kitchen} {hall}] <nil>
	// [{attic}] <nil>
}
