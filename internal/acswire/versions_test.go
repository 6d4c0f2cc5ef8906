package acswire_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
)

func mustParse(t *testing.T, s string) acswire.Version {
	t.Helper()
	v, err := acswire.ParseVersion(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

func TestResolveVersion(t *testing.T) {
	for _, test := range []struct {
		area            acswire.Area
		asked, contract string // no contract: unsupported
	}{
		// Specified.
		{acswire.AreaIdentity, "2020-07-20-preview2", "2020-07-20-preview2"},
		{acswire.AreaIdentity, "2021-03-07", "2021-03-07"},
		{acswire.AreaIdentity, "2023-10-01", "2023-10-01"},
		{acswire.AreaIdentity, "2025-03-02-preview", "2025-03-02-preview"},
		{acswire.AreaIdentity, "2025-06-30", "2025-06-30"},
		// Named: shipped in SDKs, answered by what came of them.
		{acswire.AreaIdentity, "2021-02-22-preview1", "2021-03-07"},
		{acswire.AreaIdentity, "2021-10-31-preview", "2022-06-01"},
		{acswire.AreaIdentity, "2021-11-01", "2022-06-01"},
		{acswire.AreaIdentity, "2023-08-01", "2023-10-01"},
		{acswire.AreaResourceManager, "2021-10-01-preview", "2023-03-31"},
		{acswire.AreaResourceManager, "2023-04-01-preview", "2023-04-01"},
		{acswire.AreaResourceManager, "2025-05-01", "2025-09-01"},
		// Older than the first specification, but named.
		{acswire.AreaResourceManager, "2020-08-20-preview", "2020-08-20"},
		// Between two known ones: the nearest earlier contract.
		{acswire.AreaIdentity, "2020-12-31", "2020-07-20-preview2"},
		{acswire.AreaIdentity, "2021-12-15", "2021-03-07"},
		{acswire.AreaIdentity, "2021-03-07-preview", "2020-07-20-preview2"},
		{acswire.AreaIdentity, "2022-09-01-preview", "2022-06-01"},
		{acswire.AreaIdentity, "2025-03-02", "2025-03-02-preview"},
		{acswire.AreaIdentity, "2025-04-01-preview", "2025-03-02-preview"},
		{acswire.AreaResourceManager, "2020-08-20-preview1", "2020-08-20"},
		{acswire.AreaResourceManager, "2024-01-01", "2023-06-01-preview"},
		// Outside.
		{acswire.AreaIdentity, "2020-07-20-preview1", ""},
		{acswire.AreaIdentity, "2019-01-01", ""},
		{acswire.AreaIdentity, "2025-07-01-preview", ""},
		{acswire.AreaIdentity, "2099-01-01", ""},
		{acswire.AreaResourceManager, "2020-08-19", ""},
		{acswire.AreaResourceManager, "2026-01-01", ""},
		{acswire.AreaNone, "2023-10-01", ""},
	} {
		got, err := acswire.ResolveVersion(test.area, mustParse(t, test.asked))
		if test.contract == "" {
			if !errors.Is(err, acswire.ErrUnsupportedVersion) {
				t.Errorf("%s %s: %v, %v", test.area, test.asked, got, err)
			}
			continue
		}
		if err != nil || got.Contract.String() != test.contract || got.Version.String() != test.asked {
			t.Errorf("%s %s: answered by %s (%v), want %s", test.area, test.asked, got.Contract, err, test.contract)
		}
	}
}

func TestVersions_Table(t *testing.T) {
	for _, area := range acswire.Areas() {
		versions := acswire.Versions(area)
		contracts := map[acswire.Version]bool{}
		for _, v := range versions {
			if v.Version == v.Contract {
				contracts[v.Contract] = true
			}
		}
		for i, v := range versions {
			if again := mustParse(t, v.Version.String()); again != v.Version {
				t.Errorf("%s %s is written wrongly", area, v.Version)
			}
			if i > 0 && versions[i-1].Version.Compare(v.Version) >= 0 {
				t.Errorf("%s: %s stands before %s", area, versions[i-1].Version, v.Version)
			}
			if !contracts[v.Contract] {
				t.Errorf("%s %s: nobody is the contract %s", area, v.Version, v.Contract)
			}
			if v.Source == "" {
				t.Errorf("%s %s: no source", area, v.Version)
			}
			// The promise: three years between the notice and the end.
			if (v.State == acswire.VersionDeprecated) != !v.Deprecated.IsZero() || v.Deprecated.IsZero() != v.Sunset.IsZero() ||
				!v.Sunset.IsZero() && v.Sunset.Before(v.Deprecated.AddDate(3, 0, 0)) {
				t.Errorf("%s %s: %s, deprecated %s, sunset %s", area, v.Version, v.State, v.Deprecated, v.Sunset)
			}
		}
	}
	// As recorded of the real service.
	if got := listed(acswire.AreaIdentity); got != "2020-07-20-preview2, 2021-03-07, 2021-10-31-preview, 2021-11-01, 2022-06-01, 2022-10-01, 2023-10-01, 2025-03-02-preview" {
		t.Errorf("listed %s", got)
	}
}

// listed returns what stands in api-supported-versions.
func listed(a acswire.Area) string {
	var list []string
	for _, v := range acswire.Versions(a) {
		if v.Listed && v.State != acswire.VersionDeprecated {
			list = append(list, v.Version.String())
		}
	}
	return strings.Join(list, ", ")
}

// shared returns the folder of the specifications and recordings, which is not
// part of the project.
func shared(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PARLEY_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "specs")); err != nil {
		testkit.Missing(t, "the specifications are not there: "+err.Error())
	}
	return dir
}

func TestVersions_EverySpecificationIsServed(t *testing.T) {
	dir := shared(t)
	for _, area := range acswire.Areas() {
		entries, err := os.ReadDir(filepath.Join(dir, "specs", area.String()))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			got, err := acswire.ResolveVersion(area, mustParse(t, e.Name()))
			if err != nil || got.Contract.String() != e.Name() {
				t.Errorf("%s %s: answered by %s (%v)", area, e.Name(), got.Contract, err)
			}
		}
	}
}

// TestVersions_Recorded compares the header with what the real service sent
// last, and wants every version that it was asked for to be served.
func TestVersions_Recorded(t *testing.T) {
	dir := filepath.Join(shared(t), "conformance", "recordings")
	type recording struct {
		Steps []struct {
			Path   string            `json:"path"`
			Query  map[string]string `json:"query"`
			Header map[string]string `json:"response_headers"`
		} `json:"steps"`
	}
	lists := map[acswire.Area][]string{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var r recording
		if err := json.Unmarshal(data, &r); err != nil {
			return err
		}
		for _, step := range r.Steps {
			var area acswire.Area
			switch {
			case strings.HasPrefix(step.Path, "/identities"), strings.HasPrefix(step.Path, "/teamsUser"):
				area = acswire.AreaIdentity
			case strings.HasPrefix(step.Path, "/subscriptions"):
				area = acswire.AreaResourceManager
			case strings.HasPrefix(step.Path, "/chat"):
				area = acswire.AreaChat
			default:
				continue
			}
			if _, err := acswire.ResolveVersion(area, mustParse(t, step.Query["api-version"])); err != nil {
				t.Errorf("%s: %s %v", path, step.Query["api-version"], err)
			}
			for name, value := range step.Header {
				if strings.EqualFold(name, "api-supported-versions") {
					lists[area] = append(lists[area], value)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, area := range []acswire.Area{acswire.AreaIdentity, acswire.AreaChat} {
		t.Run(area.String(), func(t *testing.T) { compareListed(t, area, lists[area]) })
	}
}

func compareListed(t *testing.T, area acswire.Area, lists []string) {
	t.Helper()
	if len(lists) == 0 {
		t.Fatal("nothing recorded")
	}
	// The newest recordings list the newest version.
	newest := slices.MaxFunc(lists, func(a, b string) int {
		last := func(s string) string { return s[strings.LastIndexByte(s, ' ')+1:] }
		return strings.Compare(last(a), last(b))
	})
	if got := listed(area); got != newest {
		t.Errorf("listed   %s\nrecorded %s", got, newest)
	}
	// What an older recording lists must be served still.
	for _, list := range lists {
		for v := range strings.SplitSeq(list, ", ") {
			if _, err := acswire.ResolveVersion(area, mustParse(t, v)); err != nil {
				t.Errorf("%s: %v", v, err)
			}
		}
	}
}

func TestOperations_Table(t *testing.T) {
	methods := []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodHead}
	for _, area := range acswire.Areas() {
		operations := acswire.Operations(area)
		for i, o := range operations {
			if o.Area != area || o.ID == "" || !slices.Contains(methods, o.Method) || !strings.HasPrefix(o.Route, "/") ||
				o.Auth == 0 || o.Summary == "" || len(o.Responses) == 0 && !o.NotOffered {
				t.Errorf("%s %s is not complete", area, o.ID)
			}
			for _, p := range o.Parameters {
				if p.Name == "" || p.In == 0 || p.Kind == 0 || p.Description == "" || p.In == acswire.InPath && (!p.Required || !strings.Contains(o.Route, "{"+p.Name+"}")) {
					t.Errorf("%s %s: parameter %q is not complete", area, o.ID, p.Name)
				}
			}
			for _, segment := range strings.Split(o.Route, "{")[1:] {
				name, _, _ := strings.Cut(segment, "}")
				if !slices.ContainsFunc(o.Parameters, func(p acswire.Parameter) bool { return p.In == acswire.InPath && p.Name == name }) {
					t.Errorf("%s %s: the value %s of the path is not described", area, o.ID, name)
				}
			}
			if !slices.ContainsFunc(acswire.Versions(area), func(v acswire.ServedVersion) bool { return o.In(v) }) {
				t.Errorf("%s %s: no version has it", area, o.ID)
			}
			for _, other := range operations[i+1:] {
				if o.ID != other.ID && (o.Method != other.Method || o.Route != other.Route) {
					continue
				}
				for _, v := range acswire.Versions(area) {
					if o.In(v) && other.In(v) {
						t.Errorf("%s: %s and %s meet at %s", area, o.ID, other.ID, v.Version)
					}
				}
			}
		}
		for _, v := range acswire.Versions(area) {
			for _, o := range operations {
				found, ok := acswire.FindOperation(area, o.ID, v)
				if ok != slices.ContainsFunc(operations, func(p acswire.Operation) bool { return p.ID == o.ID && p.In(v) }) || ok && found.ID != o.ID {
					t.Errorf("%s %s at %s: %v %s", area, o.ID, v.Version, ok, found.ID)
				}
			}
		}
	}
	if _, ok := acswire.FindOperation(acswire.AreaNone, "x", acswire.ServedVersion{}); ok {
		t.Error("found an operation of no area")
	}
}

func FuzzResolveVersion(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		v, err := acswire.ParseVersion(s)
		if err != nil {
			return
		}
		for _, area := range acswire.Areas() {
			got, err := acswire.ResolveVersion(area, v)
			if err != nil && !errors.Is(err, acswire.ErrUnsupportedVersion) {
				t.Errorf("%s %s: %v", area, v, err)
			}
			if err == nil && (got.Version != v || got.Contract == acswire.Version{}) {
				t.Errorf("%s %s: %v", area, v, got)
			}
		}
	})
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		acswire.AreaIdentity.String(): "identity", acswire.AreaResourceManager.String(): "resourcemanager", acswire.AreaNone.String(): "none",
		acswire.VersionStable.String(): "stable", acswire.VersionPreview.String(): "preview", acswire.VersionDeprecated.String(): "deprecated",
		acswire.VersionState(9).String(): "unknown",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if v := (acswire.Version{}); !v.IsZero() || v.IsPreview() {
		t.Error("the zero version")
	}
}
