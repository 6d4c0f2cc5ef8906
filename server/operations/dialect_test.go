package operations_test

import (
	"maps"
	"net/http"
	"testing"

	"github.com/parley-rtc/parley/server/operations"
)

func TestDialect_Status(t *testing.T) {
	states := []operations.State{operations.StateNotStarted, operations.StateRunning, operations.StateSucceeded, operations.StateFailed, operations.StateCanceled}
	for name, c := range map[string]struct {
		dialect operations.Dialect
		want    []string
	}{
		"PhoneNumbers":    {operations.PhoneNumbers, []string{"notStarted", "running", "succeeded", "failed", "canceled"}},
		"Mail":            {operations.Mail, []string{"NotStarted", "Running", "Succeeded", "Failed", "Canceled"}},
		"ResourceManager": {operations.ResourceManager, []string{"Running", "Running", "Succeeded", "Failed", "Canceled"}},
	} {
		for i, s := range states {
			if got := c.dialect.Status(s); got != c.want[i] {
				t.Errorf("%s: %s is %s", name, s, got)
			}
		}
	}
}

func TestDialect_Header(t *testing.T) {
	links := operations.Links{ID: "search_1", Status: "/phoneNumbers/operations/search_1", Result: "/availablePhoneNumbers/searchResults/1", RetryAfter: 2}
	for name, c := range map[string]struct {
		got, want http.Header
	}{
		"PhoneNumbers": {operations.PhoneNumbers.Header(links), http.Header{
			"Operation-Location": {links.Status}, "Operation-Id": {links.ID}, "Location": {links.Result}, "Retry-After": {"2"},
		}},
		"Mail": {operations.Mail.Header(operations.Links{ID: "1", Status: "https://x/emails/operations/1", RetryAfter: 30}), http.Header{
			"Operation-Location": {"https://x/emails/operations/1"}, "Retry-After": {"30"},
		}},
		"ResourceManager": {operations.ResourceManager.Header(operations.Links{Status: "https://x/1"}), http.Header{"Azure-Asyncoperation": {"https://x/1"}}},
	} {
		if !maps.EqualFunc(c.got, c.want, func(a, b []string) bool { return len(a) == 1 && a[0] == b[0] }) {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}
