package fake_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/core/fake"
)

// Rooms is the fake of a service with one operation.
type Rooms struct {
	GetRoom func(ctx context.Context, id string) (map[string]string, error)
}

// Do makes Rooms a Transporter.
func (s *Rooms) Do(req *http.Request) (*http.Response, error) {
	return fake.Serve(req, []fake.Route{
		{Method: http.MethodGet, Pattern: "/rooms/{id}", Handle: func(r *fake.Request) (*fake.Response, error) {
			if s.GetRoom == nil {
				return nil, fake.NotFaked("GetRoom")
			}
			room, err := s.GetRoom(r.Raw.Context(), r.Param("id"))
			return &fake.Response{Body: room}, err
		}},
	})
}

func ExampleServe() {
	rooms := &Rooms{GetRoom: func(_ context.Context, id string) (map[string]string, error) {
		if id != "kitchen" {
			return nil, &core.ResponseError{StatusCode: http.StatusNotFound, ErrorCode: "NotFound", Message: "no such room"}
		}
		return map[string]string{"name": id}, nil
	}}
	client, err := core.NewClient(core.ClientConfig{Endpoint: "https://fake"}, &core.ClientOptions{Transport: rooms})
	if err != nil {
		fmt.Println(err)
		return
	}
	var room map[string]string
	for _, path := range []string{"/rooms/kitchen", "/rooms/cellar"} {
		_, err = client.Call(context.Background(), core.Call{Method: http.MethodGet, Path: path, Into: &room})
		fmt.Println(room["name"], core.HasCode(err, "NotFound"))
	}
	// Output:
	// kitchen false
	// kitchen true
}

func ExampleRequest() {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://fake/rooms/a%2Fb", http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := fake.Serve(req, []fake.Route{{Method: http.MethodGet, Pattern: "/rooms/{id}", Handle: func(r *fake.Request) (*fake.Response, error) {
		var body map[string]any
		if err := r.Decode(&body); err != nil {
			return nil, err
		}
		fmt.Println(r.Param("id"), len(body))
		return nil, nil
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode, resp.Body.Close())
	// Output:
	// a/b 0
	// 200 <nil>
}
