package resource

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/guid"
)

const (
	// DefaultName is the name of the resource that the first start makes.
	DefaultName = "local"
	// DefaultGroup is the resource group of that one.
	DefaultGroup = "parley"

	keySize = 64
)

// State is where a resource stands in its life.
type State string

// States of a resource. The zero value counts as StateActive.
const (
	// StateCreating is a resource that was asked for and is not served yet.
	StateCreating State = "creating"
	// StateActive is a resource that is served.
	StateActive State = "active"
	// StateFailed is a resource that could not be brought to life; it can be
	// asked for again, or deleted.
	StateFailed State = "failed"
	// StateDeleting is a resource whose users are being removed. It is served
	// no more, and its name is free once it is gone.
	StateDeleting State = "deleting"
)

// Actor is who made or changed a resource.
type Actor struct {
	// Name is what the credential says; empty counts as "parley".
	Name string
	// Kind is one of acswire's CreatedByType constants; empty counts as
	// CreatedByTypeApplication.
	Kind string
}

// Stamp is by whom and when something was done.
type Stamp struct {
	By Actor
	At time.Time
}

// Resource is one resource. It holds its access keys: secrets. Nobody changes
// one that came from a Directory.
type Resource struct {
	// ID is the immutable id that stands in the ids of users.
	ID guid.GUID
	// Name is unique within the service, whatever its case.
	Name string
	// SubscriptionID is the subscription that owns the resource.
	SubscriptionID guid.GUID
	// Group is the resource group: a name.
	Group string
	// Location is where the resource manager says that it runs; DataLocation is
	// where its data is said to rest. Neither moves anything.
	Location, DataLocation string
	// Cloud decides the ids of its users: "8:acs:", "8:dod-acs:", "8:gcch-acs:".
	// Empty counts as public.
	Cloud ident.Cloud
	State State
	// Tags are the operator's own words; nil is none.
	Tags map[string]string
	// NotificationHub is the resource id of the linked hub; empty is none.
	NotificationHub string
	// IdentityType and NetworkAccess are what the resource manager was told;
	// empty is nothing.
	IdentityType, NetworkAccess string
	// LocalAuthOff refuses the access keys; bearer tokens are taken.
	LocalAuthOff bool
	// Port is the resource's own port on localhost; 0 for none.
	Port int
	// Revision is how many changes the service's resources had seen at the last
	// change of this one.
	Revision          int64
	Created, Modified Stamp
	// PrimaryKey and SecondaryKey are the access keys, decoded. Both are good.
	PrimaryKey, SecondaryKey []byte
}

// Path is what the resource is called by the resource manager, and what its
// events name as their source.
func (r *Resource) Path() string {
	return "/subscriptions/" + r.SubscriptionID.String() + "/resourceGroups/" + r.Group + "/providers/" + acswire.TypeCommunicationService + "/" + r.Name
}

// Active tells whether the resource is served.
func (r *Resource) Active() bool { return r.State == StateActive || r.State == "" }

// Keys returns the access keys that are good at this moment.
func (r *Resource) Keys() [][]byte {
	if r.LocalAuthOff {
		return nil
	}
	return [][]byte{r.PrimaryKey, r.SecondaryKey}
}

// AccessKey returns the primary key as a connection string has it.
func (r *Resource) AccessKey() string { return EncodeKey(r.PrimaryKey) }

// EncodeKey writes a key as connection strings have it.
func EncodeKey(key []byte) string { return base64.StdEncoding.EncodeToString(key) }

// NewKey draws an access key.
func NewKey() []byte {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // crypto/rand.Read never fails since Go 1.24
	return key
}

// Fold returns a name as names are compared.
func Fold(name string) string { return strings.ToLower(name) }

// LogValue keeps the keys out of logs.
func (r *Resource) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", r.Name), slog.String("id", r.ID.String()))
}

// String keeps the keys out of formatted text.
func (r *Resource) String() string { return r.Name }

// clone returns a copy that can be changed.
func (r *Resource) clone() *Resource {
	c := *r
	c.Tags = maps.Clone(r.Tags)
	return &c
}
