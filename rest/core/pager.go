package core

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
)

// ErrNoMorePages is returned by NextPage when there are none left.
var ErrNoMorePages = errors.New("core: no more pages")

// Pager goes over the pages of a list. Making one sends nothing. It belongs to
// one goroutine at a time.
type Pager[T any] struct {
	handler PagingHandler[T]
	current *T
	err     error
}

// PagingHandler says how a list is fetched.
type PagingHandler[T any] struct {
	// More tells whether there is a page after this one.
	More func(page T) bool
	// Fetch gets the page after this one, or the first one for nil.
	Fetch func(ctx context.Context, page *T) (T, error)
}

// NewPager returns a pager at the start of a list.
func NewPager[T any](handler PagingHandler[T]) *Pager[T] {
	return &Pager[T]{handler: handler}
}

// LinkPages is the PagingHandler of lists whose pages carry the link of the
// next one: first makes the first request, next returns the link of a page, or
// nil or an empty one at the end.
func LinkPages[T any](client *Client, first func(ctx context.Context) (*Request, error), next func(page T) *string) PagingHandler[T] {
	return PagingHandler[T]{
		More: func(page T) bool {
			link := next(page)
			return link != nil && *link != ""
		},
		Fetch: func(ctx context.Context, page *T) (T, error) {
			var zero, got T
			var req *Request
			var err error
			if page == nil {
				req, err = first(ctx)
			} else {
				req, err = client.Follow(ctx, *next(*page))
			}
			if err != nil {
				return zero, err
			}
			resp, err := client.Do(req, http.StatusOK)
			if err != nil {
				return zero, err
			}
			if err := UnmarshalJSON(resp, &got); err != nil {
				return zero, err
			}
			return got, nil
		},
	}
}

// More tells whether NextPage has something to get: true before the first
// page, false after the last one or an error.
func (p *Pager[T]) More() bool {
	return p.err == nil && (p.current == nil || p.handler.More(*p.current))
}

// NextPage gets the next page. An error ends the pager: it is returned again
// by every later call. After the last page the error is ErrNoMorePages.
func (p *Pager[T]) NextPage(ctx context.Context) (T, error) {
	var zero T
	if p.err != nil {
		return zero, p.err
	}
	if !p.More() {
		return zero, ErrNoMorePages
	}
	page, err := p.handler.Fetch(ctx, p.current)
	if err != nil {
		p.err = fmt.Errorf("core: get a page: %w", err)
		return zero, p.err
	}
	p.current = &page
	return page, nil
}

// Pages goes over the pages that are left. It ends after the first error.
func (p *Pager[T]) Pages(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for p.More() {
			page, err := p.NextPage(ctx)
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}
