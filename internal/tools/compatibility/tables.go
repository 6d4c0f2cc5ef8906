package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

func (s *seen) tables() (string, error) {
	var b strings.Builder
	for _, a := range acswire.Areas() {
		s.versions(&b, a)
		fmt.Fprintf(&b, "\n### %s: operations\n\n", title(a))
		for _, short := range shortened(a) {
			fmt.Fprintf(&b, "- `%s` is `%s`\n", short.name, short.path)
		}
		if len(shortened(a)) > 0 {
			b.WriteString("\n")
		}
		if err := s.operations(&b, a, false); err != nil {
			return "", err
		}
		if !slices.ContainsFunc(acswire.Operations(a), func(o acswire.Operation) bool { return o.NotOffered }) {
			continue
		}
		fmt.Fprintf(&b, "### %s: what is not offered\n\nAn honest answer takes the place of these, with the status in the table: lists are empty, nothing is found, deleting what is not there succeeds, making one is refused.\n\n", title(a))
		if err := s.operations(&b, a, true); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func title(a acswire.Area) string {
	switch a {
	case acswire.AreaIdentity:
		return "Identity"
	case acswire.AreaResourceManager:
		return "Resource manager"
	case acswire.AreaChat:
		return "Chat"
	case acswire.AreaNone:
	}
	return a.String()
}

// short is a name for the beginning of paths.
type short struct{ name, path string }

// shortened are the beginnings that would make a table unreadable, the longest
// first.
func shortened(a acswire.Area) []short {
	if a == acswire.AreaChat {
		return []short{{"THREAD", acswire.RouteChatThread}}
	}
	if a != acswire.AreaResourceManager {
		return nil
	}
	return []short{
		{"DOMAIN", acswire.RouteARMDomain},
		{"EMAIL", acswire.RouteARMEmailService},
		{"RESOURCE", acswire.RouteARMService},
		{"GROUP", strings.TrimSuffix(acswire.RouteARMGroupServices, "/communicationServices")},
		{"SUBSCRIPTION", strings.TrimSuffix(acswire.RouteARMServices, "/communicationServices")},
	}
}

func path(a acswire.Area, route string) string {
	for _, s := range shortened(a) {
		if rest, ok := strings.CutPrefix(route, s.path); ok && (rest == "" || rest[0] == '/') {
			return s.name + rest
		}
	}
	return route
}

func (s *seen) versions(b *strings.Builder, a acswire.Area) {
	fmt.Fprintf(b, "### %s: versions\n\n| api-version | answered as | state | known from | operations asked for | sent by |\n| --- | --- | --- | --- | --- | --- |\n", title(a))
	for _, v := range acswire.Versions(a) {
		as := "itself"
		if v.Contract != v.Version {
			as = v.Contract.String()
		}
		state := v.State.String()
		if !v.Sunset.IsZero() {
			state += ", ends " + v.Sunset.Format("2006-01-02")
		}
		asked := 0
		for _, versions := range s.answers[a.String()] {
			if versions[v.Version.String()] != 0 {
				asked++
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %d | %s |\n", v.Version, as, state, v.Source, asked, s.senders(a, v.Version.String()))
	}
}

// senders names the packages that send a version.
func (s *seen) senders(a acswire.Area, version string) string {
	var packages []string
	releases := map[string][]string{}
	for _, u := range s.uses {
		if u.Area != a.String() || u.APIVersion != version {
			continue
		}
		if !slices.Contains(packages, u.Package) {
			packages = append(packages, u.Package)
		}
		if !slices.Contains(releases[u.Package], u.Version) {
			releases[u.Package] = append(releases[u.Package], u.Version)
		}
	}
	for i, name := range packages {
		packages[i] = "`" + name + "` " + strings.Join(releases[name], " and ")
	}
	return strings.Join(packages, ", ")
}

// operations writes a row for each operation, a column for each contract. An
// operation that no test asked for is an error: the table would only claim.
func (s *seen) operations(b *strings.Builder, a acswire.Area, notOffered bool) error {
	var contracts []acswire.ServedVersion
	for _, v := range acswire.Versions(a) {
		if v.Contract == v.Version {
			contracts = append(contracts, v)
		}
	}
	b.WriteString("| operation |")
	for _, c := range contracts {
		fmt.Fprintf(b, " %s |", c.Version)
	}
	columns := len(contracts)
	if !notOffered {
		b.WriteString(" remarks |")
		columns++
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", columns) + "\n")
	for _, o := range acswire.Operations(a) {
		if o.NotOffered != notOffered {
			continue
		}
		fmt.Fprintf(b, "| %s `%s` |", o.Method, path(a, o.Route))
		for _, c := range contracts {
			cell, err := s.cell(&o, c)
			if err != nil {
				return err
			}
			fmt.Fprintf(b, " %s |", cell)
		}
		if !notOffered {
			fmt.Fprintf(b, " %s |", o.Note)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	return nil
}

// cell says how a contract's version of an operation is answered, and whose SDK
// asked for it.
func (s *seen) cell(o *acswire.Operation, c acswire.ServedVersion) (string, error) {
	if !o.In(c) {
		return "", nil
	}
	status := s.answers[o.Area.String()][o.ID][c.Version.String()]
	if status == 0 {
		return "", fmt.Errorf("%s of %s: no test asked for it", o.ID, c.Version)
	}
	text := "served"
	if o.NotOffered {
		text = fmt.Sprint(status)
	} else if status >= http.StatusBadRequest {
		return "", fmt.Errorf("%s of %s: answered with %d", o.ID, c.Version, status)
	}
	var languages []string
	for _, u := range s.uses {
		if u.Area != o.Area.String() || u.Operation != o.ID {
			continue
		}
		asked, err := acswire.ParseVersion(u.APIVersion)
		if err != nil {
			return "", fmt.Errorf("%s: %w", exercised, err)
		}
		v, err := acswire.ResolveVersion(o.Area, asked)
		if err != nil {
			return "", fmt.Errorf("%s: %w", exercised, err)
		}
		if v.Contract == c.Version && !slices.Contains(languages, u.language()) {
			languages = append(languages, u.language())
		}
	}
	if len(languages) > 0 {
		text += ": " + strings.Join(languages, " ")
	}
	return text, nil
}
