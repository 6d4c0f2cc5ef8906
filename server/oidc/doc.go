// Package oidc checks bearer tokens of OpenID Connect issuers: for the data
// plane, for the resource manager, and user tokens to exchange. An issuer is
// trusted for what it was configured for, and for nothing else.
//
// The signing keys are found by discovery (OpenID Connect Discovery 1.0), when
// the issuer's first token comes: one that is down does not keep the service
// from starting. They are fetched again every hour, so that a key which the
// issuer withdrew is void by then, and when a token names one that is not known,
// a few times and then every few seconds. While the issuer does not answer, the
// last keys are used for a day. A request waits for a fetch no longer than its
// context lives; fetches that several wait for are made once.
//
// Only asymmetric algorithms of a fixed list are taken, and a key only for the
// algorithm that it says. What an issuer's documents can make the service do is
// bounded: https alone (plain http on loopback), no redirects, a megabyte.
//
// # Entra ID
//
// A single tenant is an issuer like any other. For several the URL has
// {tenantid} for the tenant, as Entra's own discovery document has it, and the
// tenants are listed; a token's tid must be one of them, and its iss that
// tenant's. Keys that say whose they are (member "issuer") sign no tokens of
// others. Tokens of version 1 come from https://sts.windows.net/TENANT/ : an
// issuer of its own, whose document for all tenants lies elsewhere. ParseIssuers
// knows both as "entra=TENANT". The claims oid, tid, azp or appid, scp and roles
// are understood; a token with idtyp "app" is nobody to exchange.
//
// # Local
//
// Local is the service's own issuer: the bearer token of connection.json. Its
// key lives as long as the process.
package oidc
