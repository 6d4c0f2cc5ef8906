package paging

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParameterError says what is wrong with a parameter of the query. Areas answer
// it with 400 and a code of their own.
type ParameterError struct {
	// Parameter is the name that the contract has for it.
	Parameter string
	// Message is a sentence for the client.
	Message string
}

// Error returns the message.
func (e *ParameterError) Error() string { return "paging: " + e.Message }

const (
	badLink = "The link to the next page is not one of this list."
	// skipList names the continuations of lists that are continued by number in
	// a dialect that has no parameter for it.
	skipList = "skip"
)

// Page is the part of a list that a request wants.
type Page struct {
	// Size is how many items it has at most.
	Size int
	// Skip is how many items to leave out.
	Skip int
	// Start is how old items may be; zero for any age.
	Start time.Time

	dialect Dialect
	token   string
}

// Parse reads the parameters of a request. Names are taken in any case, as ACS
// takes them. The error is a *ParameterError.
func (d Dialect) Parse(query url.Values) (*Page, error) {
	p := &Page{Size: d.Default, dialect: d}
	if text := value(query, d.Size); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 1 {
			return nil, &ParameterError{d.Size, d.Size + " must be a number of items, 1 or more."}
		}
		p.Size = min(int(n), d.Max)
	}
	if text := value(query, d.Skip); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return nil, &ParameterError{d.Skip, d.Skip + " must be a number of items, 0 or more."}
		}
		p.Skip = int(n)
	}
	if text := value(query, d.Start); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, &ParameterError{d.Start, d.Start + " must be a time as in RFC 3339."}
		}
		p.Start = at.UTC()
	}
	p.token = value(query, d.Token)
	if d.Skip == "" && p.token != "" {
		if parts, ok := openToken(skipList, p.token); ok && len(parts) == 1 {
			n, err := strconv.ParseInt(parts[0], 10, 32)
			if err != nil || n < 0 {
				return nil, &ParameterError{d.Token, badLink}
			}
			p.Skip, p.token = int(n), ""
		}
	}
	return p, nil
}

// value is the value of a parameter whose name may be written in any case; the
// contract's own goes first.
func value(query url.Values, name string) string {
	if name == "" {
		return ""
	}
	if query.Has(name) {
		return query.Get(name)
	}
	for _, key := range spellings(query, name) {
		return query.Get(key)
	}
	return ""
}

// spellings are the ways in which a query writes a name, in a fixed order.
func spellings(query url.Values, name string) []string {
	var found []string
	for key := range query {
		if strings.EqualFold(key, name) {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	return found
}

// Limit is how many items to look for: one more than the page has, which tells
// whether there is another page.
func (p *Page) Limit() int { return p.Size + 1 }

// Cut takes the items that were found to the page's size and tells whether
// there are more. The result is never nil: an empty list is [] on the wire.
func Cut[T any](p *Page, found []T) (items []T, more bool) {
	if found == nil {
		return []T{}, false
	}
	if len(found) > p.Size {
		return found[:p.Size], true
	}
	return found, false
}

// Part is the page of a list that is held in memory, and whether there are more.
func Part[T any](p *Page, all []T) (items []T, more bool) {
	return Cut(p, all[min(p.Skip, len(all)):])
}

// After returns the parts of the key that a continuation was made of, behind
// which the page begins; none on the first page. The error is a
// *ParameterError: it was not made by NextAfter for this list.
func (p *Page) After(list string, parts int) ([]string, error) {
	if p.token == "" {
		return nil, nil
	}
	after, ok := openToken(list, p.token)
	if !ok || len(after) != parts {
		return nil, &ParameterError{p.dialect.Token, badLink}
	}
	return after, nil
}

// Request is what a link is made from; *front.Request is one.
type Request interface {
	// Query returns the values of the query.
	Query() url.Values
	// URL returns the absolute URL of an escaped path at the host asked.
	URL(path string) string
}

// Next is the link to the page behind this one, which had so many items. The
// path is escaped; the rest of the query, api-version first of all, is kept.
func (p *Page) Next(r Request, path string, items int) string {
	n := strconv.Itoa(p.Skip + items)
	if p.dialect.Skip == "" {
		return p.link(r, path, p.dialect.Token, sealToken(skipList, []string{n}))
	}
	return p.link(r, path, p.dialect.Skip, n)
}

// NextAfter is the link to the page behind an item of a list, of whose key the
// parts are; see After. The list's name keeps continuations apart.
func (p *Page) NextAfter(r Request, path, list string, key ...string) string {
	return p.link(r, path, p.dialect.Token, sealToken(list, key))
}

func (p *Page) link(r Request, path, name, text string) string {
	query := maps.Clone(r.Query())
	if query == nil {
		query = url.Values{}
	}
	drop := []string{p.dialect.Token, name}
	if name == p.dialect.Token {
		drop = append(drop, p.dialect.Skip) // it was for the first page
	}
	for _, one := range drop {
		if one == "" {
			continue
		}
		for _, key := range spellings(query, one) {
			delete(query, key)
		}
	}
	query.Set(name, text)
	// Signers of requests disagree about what a plus is.
	return r.URL(path + "?" + strings.ReplaceAll(query.Encode(), "+", "%20"))
}
