package server

// Connection is what a client needs to reach the service: the contents of
// connection.json in the data folder. It holds secrets.
type Connection struct {
	// Endpoint is the https endpoint.
	Endpoint string `json:"endpoint"`
	// HTTPEndpoint is the plain http endpoint, for tools.
	HTTPEndpoint string `json:"httpEndpoint"`
	// AccessKey is the primary access key of the default resource, base64.
	AccessKey string `json:"accessKey"`
	// ConnectionString is what the SDKs take.
	ConnectionString string `json:"connectionString"`
	// CAFile is the PEM file of the certificate authority that signed the
	// certificate of the https endpoint.
	CAFile string `json:"caFile"`
	// ARMEndpoint is the endpoint of the resource manager.
	ARMEndpoint string `json:"armEndpoint"`
	// ARMToken is a bearer token for the resource manager, good until the next start.
	ARMToken string `json:"armToken"`
	// SubscriptionID is the subscription that owns the resources, made once.
	SubscriptionID string `json:"subscriptionId"`
	// PhoneNumbers are the numbers of the default resource, E.164.
	PhoneNumbers []string `json:"phoneNumbers"`
	// PID is the process that serves.
	PID int `json:"pid"`
}
