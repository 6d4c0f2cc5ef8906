package arm

import (
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/resource"
)

// answer is a resource as the answer to a request; state is the one shown.
func (s *Service) answer(r *front.Request, status int, res *resource.Resource, state resource.State) *front.Response {
	return &front.Response{
		Status: status, Body: s.model(r.Contract, res, state), Header: http.Header{acswire.HeaderETag: {etagOf(res)}},
	}
}

// model is a resource in the form of a contract.
func (s *Service) model(contract acswire.Version, r *resource.Resource, shown resource.State) *acswire.CommunicationServiceResource {
	m := &acswire.CommunicationServiceResource{
		ID: ptr(r.Path()), Name: ptr(r.Name), Type: ptr(strings.ToLower(acswire.TypeCommunicationService)), Location: ptr(r.Location),
		SystemData: &acswire.SystemData{
			CreatedBy: ptr(r.Created.By.Name), CreatedByType: ptr(r.Created.By.Kind), CreatedAt: timestamp(r.Created.At),
			LastModifiedBy: ptr(r.Modified.By.Name), LastModifiedByType: ptr(r.Modified.By.Kind), LastModifiedAt: timestamp(r.Modified.At),
		},
		Properties: &acswire.CommunicationServiceProperties{ProvisioningState: ptr(provisioning(shown)), DataLocation: ptr(r.DataLocation)},
	}
	if len(r.Tags) > 0 {
		m.Tags = make(map[string]*string, len(r.Tags))
		for name, v := range r.Tags {
			m.Tags[name] = ptr(v)
		}
	}
	// One that was just asked for has no host yet.
	if r.State == resource.StateActive || r.State == resource.StateDeleting {
		m.Properties.HostName, m.Properties.ImmutableResourceID = ptr(s.options.Hosts.HostOf(r)), ptr(r.ID.String())
	}
	if r.NotificationHub != "" {
		m.Properties.NotificationHubID = ptr(r.NotificationHub)
	}
	if r.IdentityType != "" && contract.Compare(acswire.VersionARMIdentity()) >= 0 {
		m.Identity = &acswire.ManagedServiceIdentity{Type: ptr(r.IdentityType)}
	}
	if contract.Compare(acswire.VersionARMAccess()) >= 0 {
		m.Properties.DisableLocalAuth, m.Properties.PublicNetworkAccess = ptr(r.LocalAuthOff), ptr(acswire.PublicNetworkAccessEnabled)
	}
	return m
}

// provisioning is the state of a resource in the contract's words.
func provisioning(state resource.State) string {
	switch state {
	case resource.StateCreating:
		return acswire.ProvisioningStateAccepted
	case resource.StateFailed:
		return acswire.ProvisioningStateFailed
	case resource.StateDeleting:
		return acswire.ProvisioningStateDeleting
	case resource.StateActive:
		return acswire.ProvisioningStateSucceeded
	default:
		return acswire.ProvisioningStateUnknown
	}
}

// actorOf tells who sent a request. A token that stands for an application has
// the application's object id as its subject.
func actorOf(r *front.Request) resource.Actor {
	who := r.Principal.Subject
	kind := acswire.CreatedByTypeUser
	if who.AppID != "" && who.ObjectID == who.Subject {
		kind = acswire.CreatedByTypeApplication
	}
	name := who.Subject
	if who.ObjectID != "" {
		name = who.ObjectID
	}
	return resource.Actor{Name: clip(name), Kind: kind}
}
