// Package oidc checks bearer tokens of OpenID Connect issuers: for the data
// plane, for the resource manager, and user tokens to exchange. An issuer is
// trusted for what it was configured for, and for nothing else.
//
// The signing keys are found by discovery (OpenID Connect Discovery 1.0) and
// fetched again when a token names one that is not known, at most every few
// seconds. Only asymmetric algorithms of a fixed list are taken. Issuers are
// asked when their first token comes, so that one that is down does not keep
// the service from starting.
//
// # Entra ID
//
// A single tenant is an issuer like any other:
//
//	issuer=https://login.microsoftonline.com/TENANT/v2.0;audience=api://parley;use=service
//
// For several tenants the URL has {tenantid} for the tenant, as Entra's own
// discovery document has it, and the tenants are listed:
//
//	issuer=https://login.microsoftonline.com/{tenantid}/v2.0;tenant=GUID|GUID;audience=…;use=exchange
//
// Tokens of version 1 come from https://sts.windows.net/TENANT/ : an issuer of
// its own. The claims oid, tid, azp or appid, scp and roles are understood.
//
// # Local
//
// Local is the service's own issuer: the bearer token of connection.json. Its
// key lives as long as the process.
package oidc
