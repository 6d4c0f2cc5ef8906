package guid_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/server/guid"
)

func TestParse(t *testing.T) {
	g := guid.New()
	if g.IsZero() || g == guid.New() {
		t.Error("not random")
	}
	for _, s := range []string{g.String(), strings.ToUpper(g.String())} {
		if got, err := guid.Parse(s); err != nil || got != g {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	if got, err := guid.FromBytes(g[:]); err != nil || got != g {
		t.Errorf("from bytes: %v, %v", got, err)
	}
	if _, err := guid.FromBytes(g[1:]); !errors.Is(err, guid.ErrInvalid) {
		t.Errorf("short: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{guid.GUID{}.String(), "", "x", "00000000-0000-0000-0000-00000000000g", strings.Repeat("-", 36)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := guid.Parse(s)
		if err != nil {
			if !errors.Is(err, guid.ErrInvalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if !strings.EqualFold(g.String(), s) {
			t.Errorf("%q became %q", s, g)
		}
	})
}
