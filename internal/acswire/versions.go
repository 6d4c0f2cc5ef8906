package acswire

import (
	"errors"
	"time"
)

// ErrUnsupportedVersion says that an area does not answer an api-version.
var ErrUnsupportedVersion = errors.New("acswire: unsupported api-version")

// VersionState is where a version stands in its life.
type VersionState uint8

// States of a version.
const (
	// VersionStable is a version whose contract does not change.
	VersionStable VersionState = iota
	// VersionPreview is a version that its publisher might have changed.
	VersionPreview
	// VersionDeprecated is a version that will end: its answers say when.
	VersionDeprecated
)

// String returns "stable", "preview" or "deprecated".
func (s VersionState) String() string {
	switch s {
	case VersionStable:
		return "stable"
	case VersionPreview:
		return "preview"
	case VersionDeprecated:
		return "deprecated"
	default:
		return "unknown"
	}
}

// ServedVersion is an api-version that an area answers.
type ServedVersion struct {
	// Version is the version that a client asks for.
	Version Version
	// Contract is the version whose contract answers it: its own when it was
	// specified, else the one named for it in the table.
	Contract Version
	State    VersionState
	// Listed tells whether the version stands in the api-supported-versions
	// header. The deprecated ones stand in api-deprecated-versions, all of them.
	Listed bool
	// Deprecated and Sunset are when the version was given notice and when it
	// ends; zero without notice (RFC 9745, RFC 8594).
	Deprecated, Sunset time.Time
	// Source says how the version is known: "specifications", "recordings", or
	// which SDKs send it.
	Source string
}

// VersionSet finds versions quickly. Its zero value has none.
type VersionSet struct {
	versions []ServedVersion
	exact    map[string]ServedVersion
}

// NewVersionSet returns the set of an area.
func NewVersionSet(a Area) *VersionSet {
	s := &VersionSet{versions: Versions(a), exact: map[string]ServedVersion{}}
	for _, v := range s.versions {
		s.exact[v.Version.String()] = v
	}
	return s
}

// All returns the versions, oldest first. The caller must not change them.
func (s *VersionSet) All() []ServedVersion { return s.versions }

// Resolve returns how a version that a client asks for is answered: a version
// of the table as it stands there, one with a date between two of them as the
// nearest earlier contract. The error is ErrUnsupportedVersion for a version
// before the first or after the last.
func (s *VersionSet) Resolve(asked Version) (ServedVersion, error) {
	if v, ok := s.exact[asked.String()]; ok {
		return v, nil
	}
	n := len(s.versions)
	if n == 0 || asked.Compare(s.versions[0].Version) < 0 || asked.Compare(s.versions[n-1].Version) > 0 {
		return ServedVersion{}, ErrUnsupportedVersion
	}
	// Before the first contract only versions named in the table are known:
	// what stands between them is answered as its neighbor.
	nearest := s.versions[0]
	for _, v := range s.versions {
		if v.Version.Compare(asked) > 0 {
			break
		}
		if v.Version == v.Contract || nearest.Version != nearest.Contract {
			nearest = v
		}
	}
	state := stateOf(asked)
	if nearest.State == VersionDeprecated {
		state = VersionDeprecated
	}
	return ServedVersion{
		Version: asked, Contract: nearest.Contract, State: state,
		Deprecated: nearest.Deprecated, Sunset: nearest.Sunset, Source: "between two known versions",
	}, nil
}

// ResolveVersion is Resolve on the set of an area.
func ResolveVersion(a Area, asked Version) (ServedVersion, error) {
	return NewVersionSet(a).Resolve(asked)
}
