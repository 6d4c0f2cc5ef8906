package arm

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/resource"
)

// Bounds of what an operator may say of a resource; those of tags are Azure's.
const (
	maxTags         = 50
	maxTagName      = 512
	maxTagValue     = 256
	maxDataLocation = 64
	globalLocation  = "global"
)

// plan is what a request wants a resource to be. A nil field leaves what is
// there.
type plan struct {
	location      string // empty: none was given
	dataLocation  *string
	tags          *map[string]string
	identity      *string
	networkAccess *string
	localAuthOff  *bool
}

// planOf reads the body of a PUT as the contract has it: what a contract does
// not know is not looked at.
func planOf(r *front.Request, name string) (*plan, error) {
	var body acswire.CommunicationServiceResource
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if given := value(body.Name); given != "" && !strings.EqualFold(given, name) {
		return nil, invalid("name", "The name in the body is not the one in the path. A resource cannot be renamed.")
	}
	p := &plan{location: value(body.Location)}
	if p.location == "" && r.Contract.Compare(acswire.VersionARMTracked()) >= 0 {
		return nil, refuse(http.StatusBadRequest, acswire.CodeARMLocationRequired, "location", "The location of the resource is missing. It is global.")
	}
	if p.location != "" && !strings.EqualFold(p.location, globalLocation) {
		return nil, refuse(http.StatusBadRequest, acswire.CodeARMLocationNotAvailable, "location",
			fmt.Sprintf("The location '%s' is not available for '%s'. It is global.", clip(p.location), acswire.TypeCommunicationService))
	}
	// A PUT says all of the tags, the other properties only those it names: an
	// older client must not take back what a newer one has set.
	tags, err := tagsOf(body.Tags)
	if err != nil {
		return nil, err
	}
	p.tags = &tags
	if properties := body.Properties; properties != nil {
		p.dataLocation = properties.DataLocation
		if err := p.properties(r, properties.LinkedDomains, properties.PublicNetworkAccess, properties.DisableLocalAuth); err != nil {
			return nil, err
		}
	}
	if p.dataLocation != nil && !validText(*p.dataLocation, maxDataLocation) {
		return nil, invalid("properties.dataLocation", fmt.Sprintf("The data location has 1 to %d characters.", maxDataLocation))
	}
	return p, p.identify(r, body.Identity)
}

// planOfUpdate reads the body of a PATCH. Tags, when there are any, replace
// those that the resource has: the SDKs that add or remove a single one send
// all the others with it.
func planOfUpdate(r *front.Request) (*plan, error) {
	var body acswire.CommunicationServiceResourceUpdate
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	p := &plan{}
	if body.Tags != nil {
		tags, err := tagsOf(body.Tags)
		if err != nil {
			return nil, err
		}
		p.tags = &tags
	}
	if properties := body.Properties; properties != nil {
		if err := p.properties(r, properties.LinkedDomains, properties.PublicNetworkAccess, properties.DisableLocalAuth); err != nil {
			return nil, err
		}
	}
	return p, p.identify(r, body.Identity)
}

// properties reads those that a PUT and a PATCH may both set.
func (p *plan) properties(r *front.Request, domains []string, access *string, localAuthOff *bool) error {
	if len(domains) > 0 && r.Contract.Compare(acswire.VersionARMTracked()) >= 0 {
		return refuse(http.StatusBadRequest, acswire.CodeARMUnsupportedProperty, "properties.linkedDomains", noEmailMessage)
	}
	if r.Contract.Compare(acswire.VersionARMAccess()) < 0 {
		return nil
	}
	p.localAuthOff = localAuthOff
	if access == nil {
		return nil
	}
	for _, known := range acswire.PossiblePublicNetworkAccess() {
		if !strings.EqualFold(*access, known) {
			continue
		}
		if known != acswire.PublicNetworkAccessEnabled {
			return refuse(http.StatusBadRequest, acswire.CodeARMUnsupportedProperty, "properties.publicNetworkAccess",
				"The service has one network. Who may reach it is decided where it listens.")
		}
		p.networkAccess = ptr(known)
		return nil
	}
	return invalid("properties.publicNetworkAccess", "The network access is one of "+strings.Join(acswire.PossiblePublicNetworkAccess(), ", ")+".")
}

// identify reads the identity of a body.
func (p *plan) identify(r *front.Request, given *acswire.ManagedServiceIdentity) error {
	if given == nil || r.Contract.Compare(acswire.VersionARMIdentity()) < 0 {
		return nil
	}
	kind := strings.ReplaceAll(value(given.Type), " ", "")
	for _, known := range acswire.PossibleIdentityTypes() {
		if !strings.EqualFold(kind, known) {
			continue
		}
		if known != acswire.IdentityTypeNone {
			return refuse(http.StatusBadRequest, acswire.CodeARMUnsupportedProperty, "identity.type", "The service has no managed identities: the type can only be None.")
		}
		p.identity = ptr(known)
		return nil
	}
	return invalid("identity.type", "The type of the identity is one of "+strings.Join(acswire.PossibleIdentityTypes(), ", ")+".")
}

// draft makes a resource of the plan.
func (p *plan) draft(sc scope) (*resource.Resource, error) {
	if p.dataLocation == nil {
		return nil, invalid("properties.dataLocation", "The data location is missing.")
	}
	d := &resource.Resource{
		Name: sc.name, SubscriptionID: sc.subscription, Group: sc.group,
		Location: p.location, DataLocation: *p.dataLocation, State: resource.StateCreating,
	}
	if d.Location == "" {
		d.Location = globalLocation
	}
	p.set(d)
	return d, nil
}

// apply changes a resource to what the plan says. The error is
// resource.ErrUnchanged when it is so already.
func (p *plan) apply(r *resource.Resource) error {
	if p.dataLocation != nil && !sameLocation(*p.dataLocation, r.DataLocation) {
		return refuse(http.StatusConflict, acswire.CodeARMPropertyChangeNotAllowed, "properties.dataLocation",
			"The data location of a resource is chosen once. It is '"+r.DataLocation+"'.")
	}
	if r.State != resource.StateActive {
		p.set(r)
		return nil // it is brought to life again
	}
	same := (p.tags == nil || maps.Equal(*p.tags, r.Tags)) &&
		(p.identity == nil || *p.identity == r.IdentityType) &&
		(p.networkAccess == nil || *p.networkAccess == r.NetworkAccess) &&
		(p.localAuthOff == nil || *p.localAuthOff == r.LocalAuthOff)
	if same {
		return resource.ErrUnchanged
	}
	p.set(r)
	return nil
}

func (p *plan) set(r *resource.Resource) {
	if p.tags != nil {
		r.Tags = *p.tags
	}
	if p.identity != nil {
		r.IdentityType = *p.identity
	}
	if p.networkAccess != nil {
		r.NetworkAccess = *p.networkAccess
	}
	if p.localAuthOff != nil {
		r.LocalAuthOff = *p.localAuthOff
	}
}

// sameLocation tells whether two texts name one location: "United States" is
// "unitedstates".
func sameLocation(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, " ", ""), strings.ReplaceAll(b, " ", ""))
}

// tagsOf reads tags; one without a value is left out.
func tagsOf(given map[string]*string) (map[string]string, error) {
	tags := make(map[string]string, len(given))
	folded := make(map[string]bool, len(given))
	for name, v := range given {
		if v == nil {
			continue
		}
		if !validText(name, maxTagName) || strings.ContainsAny(name, `<>%&\?/`) || len(*v) > maxTagValue || !printable(*v) {
			return nil, refuse(http.StatusBadRequest, acswire.CodeARMInvalidTags, "tags",
				fmt.Sprintf("A tag's name has 1 to %d characters and none of <>%%&\\?/, its value at most %d.", maxTagName, maxTagValue))
		}
		if folded[strings.ToLower(name)] {
			return nil, refuse(http.StatusBadRequest, acswire.CodeARMInvalidTags, "tags", "Two tags have names that differ in case only.")
		}
		folded[strings.ToLower(name)] = true
		tags[name] = *v
	}
	if len(tags) > maxTags {
		return nil, refuse(http.StatusBadRequest, acswire.CodeARMInvalidTags, "tags", fmt.Sprintf("A resource has at most %d tags.", maxTags))
	}
	return tags, nil
}

// validText tells whether a text has 1 to limit bytes, is not blank and has no
// control characters.
func validText(s string, limit int) bool {
	return strings.TrimSpace(s) != "" && len(s) <= limit && printable(s)
}

// clip shortens what a client sent for a message.
func clip(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	s = s[:limit]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}
