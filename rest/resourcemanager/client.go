package resourcemanager

import (
	"errors"
	"fmt"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// Endpoints of Azure's resource managers. A service of this project has its own:
// armEndpoint of its connection.json.
const (
	EndpointPublic       = "https://management.azure.com"
	EndpointUSGovernment = "https://management.usgovcloudapi.net"
	EndpointChina        = "https://management.chinacloudapi.cn"
)

const (
	// DefaultAPIVersion is the version of the contract that a client asks for
	// when its options name none.
	DefaultAPIVersion = "2025-09-01"

	moduleName    = "resourcemanager"
	moduleVersion = "v0.1.0"
)

// ErrUnsupportedAPIVersion says that the options name a version that the client
// does not speak.
var ErrUnsupportedAPIVersion = errors.New("resourcemanager: unsupported api-version")

// Client manages the Communication Services resources of a subscription. It is
// immutable and safe for many goroutines.
type Client struct {
	core         *core.Client
	subscription string
}

// NewClient returns a client for a subscription, authorized by bearer tokens of
// an issuer such as Entra ID. endpoint is the root URL of the resource manager.
// options may be nil. The error wraps core.ErrInvalidEndpoint,
// core.ErrInvalidParameter or ErrUnsupportedAPIVersion.
func NewClient(endpoint, subscriptionID string, credential core.TokenCredential, options *ClientOptions) (*Client, error) {
	switch {
	case credential == nil:
		return nil, fmt.Errorf("%w: no credential", core.ErrInvalidParameter)
	case subscriptionID == "":
		return nil, fmt.Errorf("%w: no subscription", core.ErrInvalidParameter)
	}
	if options == nil {
		options = &ClientOptions{}
	}
	if options.APIVersion != "" {
		if _, err := acswire.ParseVersion(options.APIVersion); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnsupportedAPIVersion, err)
		}
	}
	scope := options.Scope
	if scope == "" {
		scope = strings.TrimRight(strings.TrimSpace(endpoint), "/") + "/.default"
	}
	c, err := core.NewClient(core.ClientConfig{
		Module: moduleName, Version: moduleVersion, Endpoint: endpoint, APIVersion: DefaultAPIVersion,
		Credential: core.NewBearerPolicy(credential, []string{scope}, &core.BearerPolicyOptions{AllowPlainHTTP: options.AllowPlainHTTP}),
	}, &options.ClientOptions)
	if err != nil {
		return nil, err
	}
	return &Client{core: c, subscription: subscriptionID}, nil
}
