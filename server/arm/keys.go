package arm

import (
	"context"
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/resource"
)

func (s *Service) listKeys(ctx context.Context, r *front.Request) (*front.Response, error) {
	sc, err := s.scope(r)
	if err != nil {
		return nil, err
	}
	res, err := s.find(ctx, sc)
	if err != nil {
		return nil, err
	}
	if err := changeable(res, conditions{}); err != nil {
		return nil, err
	}
	keys := &acswire.CommunicationServiceKeys{}
	keys.PrimaryKey, keys.PrimaryConnectionString = s.key(res, res.PrimaryKey)
	keys.SecondaryKey, keys.SecondaryConnectionString = s.key(res, res.SecondaryKey)
	return &front.Response{Status: http.StatusOK, Body: keys}, nil
}

// key writes a key and the connection string with it.
func (s *Service) key(res *resource.Resource, raw []byte) (key, connection *string) {
	text := resource.EncodeKey(raw)
	return &text, ptr("endpoint=https://" + s.options.Hosts.HostOf(res) + "/;accesskey=" + text)
}

// regenerateKey replaces a key. When the answer is sent this node refuses the
// old one; the others hear of it. Requests that were let in before go on.
func (s *Service) regenerateKey(ctx context.Context, r *front.Request) (*front.Response, error) {
	sc, err := s.scope(r)
	if err != nil {
		return nil, err
	}
	var body acswire.RegenerateKeyParameters
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	primary := strings.EqualFold(value(body.KeyType), acswire.KeyTypePrimary)
	if !primary && !strings.EqualFold(value(body.KeyType), acswire.KeyTypeSecondary) {
		return nil, invalid("keyType", "The type of the key is one of "+strings.Join(acswire.PossibleKeyTypes(), ", ")+".")
	}
	res, err := s.change(ctx, r, sc, func(res *resource.Resource) error {
		if err := changeable(res, conditions{}); err != nil {
			return err
		}
		if primary {
			res.PrimaryKey = resource.NewKey()
		} else {
			res.SecondaryKey = resource.NewKey()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.options.Logger.Info("access key made anew", "resource", res, "primary", primary)
	keys := &acswire.CommunicationServiceKeys{}
	if primary {
		keys.PrimaryKey, keys.PrimaryConnectionString = s.key(res, res.PrimaryKey)
	} else {
		keys.SecondaryKey, keys.SecondaryConnectionString = s.key(res, res.SecondaryKey)
	}
	return &front.Response{Status: http.StatusOK, Body: keys}, nil
}

// linkNotificationHub notes the hub of a resource. Nothing is sent through it,
// so that its connection string, a secret, is not worth keeping.
func (s *Service) linkNotificationHub(ctx context.Context, r *front.Request) (*front.Response, error) {
	sc, err := s.scope(r)
	if err != nil {
		return nil, err
	}
	var body acswire.LinkNotificationHubParameters
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	id := value(body.ResourceID)
	h, ok := parseHub(id)
	if !ok {
		return nil, refuse(http.StatusBadRequest, acswire.CodeARMInvalidLinkedID, "resourceId", "The resource id is not that of a notification hub.")
	}
	if subscription, err := guid.Parse(h.subscription); err != nil || subscription != sc.subscription {
		return nil, refuse(http.StatusBadRequest, acswire.CodeARMWrongSubscription, "resourceId",
			"The notification hub must be in the same subscription as the communication service")
	}
	if !isHubConnection(value(body.ConnectionString)) {
		return nil, refuse(http.StatusBadRequest, acswire.CodeARMInvalidConnectionString, "connectionString",
			"The connection string is not that of a notification hub.")
	}
	_, err = s.change(ctx, r, sc, func(res *resource.Resource) error {
		if err := changeable(res, conditions{}); err != nil {
			return err
		}
		if res.NotificationHub == id {
			return resource.ErrUnchanged
		}
		res.NotificationHub = id
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: acswire.LinkedNotificationHub{ResourceID: &id}}, nil
}
