package fake

import (
	"net/http"
	"strconv"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// Pages is what a fake answers where a client lists: its pages one after the
// other. The links between them are made by the fake.
type Pages[T any] struct {
	// Pages are the pages. None: one that is empty.
	Pages []T
	// Failure, when it is not nil, is what follows the last of them.
	Failure error
}

// queryPage is the number of the page in the links of a fake.
const queryPage = "fake-page"

// ServePages answers a request for a page. next returns where a page keeps the
// link to the one after it.
func ServePages[T any](r *Request, pages Pages[T], next func(page *T) **string) (*Response, error) {
	query := r.Raw.URL.Query()
	at := 0
	if text := query.Get(queryPage); text != "" {
		var err error
		if at, err = strconv.Atoi(text); err != nil || at < 0 {
			at = -1
		}
	}
	switch {
	case at == len(pages.Pages) && pages.Failure != nil:
		return nil, pages.Failure
	case at == 0 && len(pages.Pages) == 0:
		return &Response{Body: *new(T)}, nil
	case at < 0 || at >= len(pages.Pages):
		return nil, &core.ResponseError{StatusCode: http.StatusBadRequest, ErrorCode: acswire.CodeBadRequest, Message: "no such page"}
	}
	page := pages.Pages[at]
	*next(&page) = nil
	if at+1 < len(pages.Pages) || pages.Failure != nil {
		link := *r.Raw.URL
		query.Set(queryPage, strconv.Itoa(at+1))
		link.RawQuery = query.Encode()
		*next(&page) = new(link.String())
	}
	return &Response{Body: page}, nil
}
