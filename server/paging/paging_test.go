package paging_test

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parley-rtc/parley/server/paging"
)

// request is a request for a link.
type request url.Values

func (r request) Query() url.Values      { return url.Values(r) }
func (r request) URL(path string) string { return "https://local.example" + path }

func query(t *testing.T, text string) url.Values {
	t.Helper()
	q, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name       string
		dialect    paging.Dialect
		query      string
		size, skip int
		start      time.Time
	}{
		{"Defaults", paging.ChatSkip(), "", 100, 0, time.Time{}},
		{"Chat", paging.ChatSkip(), "maxPageSize=7&skip=14", 7, 14, time.Time{}},
		{"ChatTime", paging.ChatTime(), "maxPageSize=7&startTime=2026-11-21T08:00:00.5%2B02:00", 7, 0, time.Date(2026, 11, 21, 6, 0, 0, 5e8, time.UTC)},
		{"ChatTimeHasNoSkip", paging.ChatTime(), "skip=x", 100, 0, time.Time{}},
		{"PurchasedNumbers", paging.PurchasedNumbers(), "skip=0&top=25", 25, 0, time.Time{}},
		{"Offered", paging.NumberCatalogue(), "skip=3&maxPageSize=25", 25, 3, time.Time{}},
		{"Administration", paging.Administration(), "locale=en-US&skip=0&take=5", 5, 0, time.Time{}},
		{"LinksHaveNoSize", paging.Links(), "maxPageSize=x", 100, 0, time.Time{}},
		{"SizedLinks", paging.SizedLinks(), "maxpagesize=9", 9, 0, time.Time{}},
		{"ResourceManager", paging.ResourceManager(), "$top=900", 900, 0, time.Time{}},
		{"LargerThanTheLargest", paging.ChatSkip(), "maxPageSize=2147483647", 100, 0, time.Time{}},
		{"OtherSizes", paging.Links().WithSizes(2, 3), "", 2, 0, time.Time{}},
		{"AnyCase", paging.SizedLinks(), "MaxPageSize=9", 9, 0, time.Time{}},
		{"OwnSpellingFirst", paging.SizedLinks(), "MaxPageSize=9&maxpagesize=4", 4, 0, time.Time{}},
		{"EmptyIsAbsent", paging.ChatSkip(), "maxPageSize=&skip=", 100, 0, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := c.dialect.Parse(query(t, c.query))
			if err != nil {
				t.Fatal(err)
			}
			if p.Size != c.size || p.Skip != c.skip || !p.Start.Equal(c.start) || p.Limit() != c.size+1 {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestParse_Refused(t *testing.T) {
	for _, c := range []struct {
		dialect          paging.Dialect
		query, parameter string
	}{
		{paging.ChatSkip(), "maxPageSize=0", "maxPageSize"},
		{paging.ChatSkip(), "maxPageSize=-1", "maxPageSize"},
		{paging.ChatSkip(), "maxPageSize=ten", "maxPageSize"},
		{paging.ChatSkip(), "maxPageSize=1.5", "maxPageSize"},
		{paging.ChatSkip(), "maxPageSize=2147483648", "maxPageSize"},
		{paging.ChatSkip(), "skip=-1", "skip"},
		{paging.ChatSkip(), "skip=99999999999999999999", "skip"},
		{paging.ChatTime(), "startTime=yesterday", "startTime"},
		{paging.ChatTime(), "startTime=2026-11-21", "startTime"},
		{paging.Administration(), "take=x", "take"},
	} {
		_, err := c.dialect.Parse(query(t, c.query))
		var wrong *paging.ParameterError
		if !errors.As(err, &wrong) || wrong.Parameter != c.parameter || !strings.Contains(wrong.Message, c.parameter) {
			t.Errorf("%s: %v", c.query, err)
		}
	}
}

// TestNext walks a list by the links alone, as clients do.
func TestNext(t *testing.T) {
	all := make([]int, 23)
	for i := range all {
		all[i] = i
	}
	for _, c := range []struct {
		name    string
		dialect paging.Dialect
		query   string
		pages   int
	}{
		{"Chat", paging.ChatSkip(), "api-version=2021-09-07&maxPageSize=5", 5},
		{"PurchasedNumbers", paging.PurchasedNumbers(), "api-version=2021-09-07&skip=0&top=10", 3},
		{"Links", paging.Links().WithSizes(4, 4), "api-version=2021-09-07&filter=a+b", 6},
		{"SizedLinks", paging.SizedLinks(), "api-version=2021-09-07&maxpagesize=9", 3},
		{"Administration", paging.Administration(), "api-version=2020-07-20-preview1&locale=en-US&skip=3&take=20", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, next, pages := query(t, c.query), "", 0
			var got []int
			for ; pages == 0 || next != ""; pages++ {
				p, err := c.dialect.Parse(q)
				if err != nil {
					t.Fatal(err)
				}
				items, more := paging.Part(p, all)
				got = append(got, items...)
				if next = ""; more {
					next = p.Next(request(q), "/list/a%3Ab", len(items))
					q = follow(t, next, "/list/a%3Ab", q)
				}
			}
			first := len(all) - len(got)
			for i, n := range got {
				if n != first+i {
					t.Fatalf("item %d is %d", i, n)
				}
			}
			if pages != c.pages {
				t.Errorf("%d pages", pages)
			}
		})
	}
}

// follow reads a link and checks that it keeps what was asked.
func follow(t *testing.T, link, path string, asked url.Values) url.Values {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || u.Host != "local.example" || u.Scheme != "https" || u.EscapedPath() != path {
		t.Fatalf("%s: %v", link, err)
	}
	for _, name := range []string{"api-version", "locale", "top", "take", "maxPageSize", "startTime", "filter"} {
		if u.Query().Get(name) != asked.Get(name) {
			t.Errorf("%s: %s was %q", link, name, asked.Get(name))
		}
	}
	return u.Query()
}

func TestNextAfter(t *testing.T) {
	q := query(t, "api-version=2021-09-07&maxPageSize=2&startTime=2026-11-21T08:00:00Z&filter=a+b&Skip=4")
	for i := range 3 {
		p, err := paging.ChatTime().Parse(q)
		if err != nil {
			t.Fatal(err)
		}
		after, err := p.After("messages", 2)
		switch {
		case err != nil:
			t.Fatal(err)
		case i == 0 && after != nil:
			t.Fatalf("first page behind %q", after)
		case i > 0 && (len(after) != 2 || after[0] != strconv.Itoa(i-1) || after[1] != "ä=&"):
			t.Fatalf("page %d behind %q", i, after)
		}
		link := p.NextAfter(request(q), "/messages", "messages", strconv.Itoa(i), "ä=&")
		if strings.Contains(link, "+") || strings.Count(link, "syncState") != 1 {
			t.Error(link)
		}
		q = follow(t, link, "/messages", q)
	}
}

func TestAfter_Refused(t *testing.T) {
	p, err := paging.Links().Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	link := p.NextAfter(request{}, "/rooms", "rooms of alice", "1", "2")
	good := follow(t, link, "/rooms", nil).Get("continuationToken")
	for name, c := range map[string]struct {
		list, token string
		parts       int
	}{
		"OtherList":   {"rooms of bob", good, 2},
		"OtherParts":  {"rooms of alice", good, 3},
		"CutShort":    {"rooms of alice", good[:len(good)-2], 2},
		"Longer":      {"rooms of alice", good + "AA", 2},
		"Zero":        {"rooms of alice", follow(t, p.NextAfter(request{}, "/rooms", "rooms of alice", "1", "\x00"), "/rooms", nil).Get("continuationToken"), 2},
		"NotUTF8":     {"rooms of alice", follow(t, p.NextAfter(request{}, "/rooms", "rooms of alice", "1", "\xff"), "/rooms", nil).Get("continuationToken"), 2},
		"NotBase64":   {"rooms of alice", "!" + good, 2},
		"Huge":        {"rooms of alice", strings.Repeat("A", 1<<20), 2},
		"OneOfOthers": {"rooms of alice", "W3sic3RhcnQiOiIy", 2},
	} {
		p, err := paging.Links().Parse(url.Values{"continuationToken": {c.token}})
		if err != nil {
			t.Fatal(err)
		}
		var wrong *paging.ParameterError
		if after, err := p.After(c.list, c.parts); !errors.As(err, &wrong) || wrong.Parameter != "continuationToken" {
			t.Errorf("%s: %q, %v", name, after, err)
		}
	}
}

func TestCut_EmptyIsNotNil(t *testing.T) {
	p, err := paging.Links().Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	if items, more := paging.Cut[int](p, nil); items == nil || more {
		t.Error(items, more)
	}
	p.Skip = 10
	if items, more := paging.Part(p, []int{1}); items == nil || len(items) != 0 || more {
		t.Error(items, more)
	}
}

// FuzzParse looks for a query that makes a page which cannot be served.
func FuzzParse(f *testing.F) {
	f.Add("maxPageSize=5&skip=1&startTime=2026-11-21T08:00:00Z")
	f.Add("top=-1&take=&$top=1&$skiptoken=x")
	f.Add("continuationToken=AQ&syncState=AQ")
	f.Fuzz(func(t *testing.T, text string) {
		q, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		for _, d := range []paging.Dialect{paging.ChatSkip(), paging.ChatTime(), paging.PurchasedNumbers(), paging.Administration(), paging.SizedLinks(), paging.ResourceManager()} {
			p, err := d.Parse(q)
			if err != nil {
				continue
			}
			if p.Size < 1 || p.Size > d.Max || p.Skip < 0 {
				t.Fatalf("%q is %+v", text, p)
			}
			if _, err := url.Parse(p.Next(request(q), "/x", 1)); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzAfter looks for a continuation that is read otherwise than it was made.
func FuzzAfter(f *testing.F) {
	f.Add("AQ", "a", "b")
	f.Add("", "", "\x00")
	f.Fuzz(func(t *testing.T, token, one, two string) {
		p, err := paging.Links().Parse(url.Values{"continuationToken": {token}})
		if err != nil {
			t.Fatal(err)
		}
		if after, err := p.After("list", 2); err == nil && token != "" {
			if again := follow(t, p.NextAfter(request{}, "/x", "list", after...), "/x", nil).Get("continuationToken"); again != token {
				t.Errorf("%q was made again as %q", token, again)
			}
		}
		if !utf8.ValidString(one) || !utf8.ValidString(two) || strings.Contains(one+two, "\x00") || len(one) > 1<<10 || len(two) > 1<<10 || len(one)+len(two) > 2<<10 {
			return
		}
		p, err = paging.Links().Parse(follow(t, p.NextAfter(request{}, "/x", "list", one, two), "/x", nil))
		if err != nil {
			t.Fatal(err)
		}
		if after, err := p.After("list", 2); err != nil || after[0] != one || after[1] != two {
			t.Errorf("%q, %q: %q, %v", one, two, after, err)
		}
	})
}
