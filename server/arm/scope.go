package arm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/resource"
)

const (
	maxGroup = 90
	maxName  = 63
)

// scope is what the path of a request names.
type scope struct {
	subscription guid.GUID
	group, name  string // empty where the path has none
}

// scope reads the path of a request.
func (s *Service) scope(r *front.Request) (scope, error) {
	subscription, err := s.subscription(r)
	if err != nil {
		return scope{}, err
	}
	sc := scope{subscription: subscription, group: r.Param("resourceGroupName"), name: r.Param("communicationServiceName")}
	route := r.Operation.Route
	if strings.Contains(route, "{resourceGroupName}") && !validGroup(sc.group) {
		return scope{}, refuse(http.StatusBadRequest, acswire.CodeARMResourceGroupNameInvalid, "resourceGroupName",
			"The name of a resource group has at most 90 letters, digits, '-', '_', '.', '(' and ')', and does not end with '.'.")
	}
	if strings.Contains(route, "{communicationServiceName}") && !validName(sc.name) {
		return scope{}, refuse(http.StatusBadRequest, acswire.CodeARMInvalidResourceName, "communicationServiceName", invalidName)
	}
	return sc, nil
}

const invalidName = "The name of a resource has 1 to 63 letters, digits, '-' and '_'."

// subscription reads the subscription of a path: there is one.
func (s *Service) subscription(r *front.Request) (guid.GUID, error) {
	given := r.Param("subscriptionId")
	id, err := guid.Parse(strings.ToLower(given))
	if err != nil {
		return guid.GUID{}, refuse(http.StatusBadRequest, acswire.CodeARMInvalidSubscriptionID, "subscriptionId", "The id of the subscription is not well-formed.")
	}
	if id != s.options.Resources.Default().SubscriptionID {
		return guid.GUID{}, refuse(http.StatusNotFound, acswire.CodeARMSubscriptionNotFound, "subscriptionId",
			fmt.Sprintf("The subscription '%s' could not be found. That of this service stands in its connection.json.", id))
	}
	return id, nil
}

// validGroup tells whether a text can name a resource group.
func validGroup(s string) bool {
	if s == "" || len(s) > maxGroup || strings.HasSuffix(s, ".") {
		return false
	}
	for i := range len(s) {
		if !isWord(s[i]) && strings.IndexByte("-.()", s[i]) < 0 {
			return false
		}
	}
	return true
}

// validName tells whether a text can name a resource.
func validName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		if !isWord(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// find returns the resource that a path names, as the database has it.
func (s *Service) find(ctx context.Context, sc scope) (*resource.Resource, error) {
	r, err := s.options.Resources.Find(ctx, sc.name)
	if errors.Is(err, resource.ErrNotFound) || err == nil && !sc.holds(r) {
		return nil, sc.notFound()
	}
	return r, err
}

// holds tells whether the resource with the name is in the group of the path.
func (sc scope) holds(r *resource.Resource) bool { return strings.EqualFold(r.Group, sc.group) }

func (sc scope) notFound() *front.Error {
	return refuse(http.StatusNotFound, acswire.CodeARMResourceNotFound, "",
		fmt.Sprintf("The Resource '%s/%s' under resource group '%s' was not found.", acswire.TypeCommunicationService, sc.name, sc.group))
}

// hub is the resource id of a notification hub.
type hub struct {
	subscription string
}

// parseHub reads the resource id of a notification hub: "/subscriptions/ID/
// resourceGroups/GROUP/providers/Microsoft.NotificationHubs/namespaces/NAME/
// notificationHubs/NAME", its fixed parts in any case.
func parseHub(id string) (hub, bool) {
	want := []string{"", "subscriptions", "", "resourceGroups", "", "providers", "Microsoft.NotificationHubs", "namespaces", "", "notificationHubs", ""}
	parts := strings.Split(id, "/")
	if len(id) > maxHubID || len(parts) != len(want) || parts[0] != "" {
		return hub{}, false
	}
	for i, w := range want[1:] {
		part := parts[i+1]
		if w == "" && (part == "" || !printable(part)) || w != "" && !strings.EqualFold(w, part) {
			return hub{}, false
		}
	}
	return hub{subscription: parts[2]}, true
}

const (
	maxHubID         = 1024
	maxHubConnection = 4096
)

// isHubConnection tells whether a text can be the connection string of a hub:
// an endpoint and a key, separated by ';'.
func isHubConnection(text string) bool {
	if len(text) > maxHubConnection {
		return false
	}
	var endpoint, key bool
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		switch {
		case part == "":
		case !ok || value == "":
			return false
		case strings.EqualFold(name, "Endpoint"):
			endpoint = true
		case strings.EqualFold(name, "SharedAccessKey"):
			key = true
		}
	}
	return endpoint && key
}

func printable(s string) bool {
	for _, c := range s {
		if c < ' ' || c == 0x7F {
			return false
		}
	}
	return true
}
