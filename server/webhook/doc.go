// Package webhook brings events to the endpoints of those who want them: at
// least once, also over a crash, signed, and never to a place that it must not
// reach.
//
// An area publishes an event in the transaction that makes it true; every
// subscription of the resource that wants it gets a delivery of its own. A
// callback that a request named goes to one endpoint, without a subscription:
//
//	err := store.Write(ctx, func(tx *store.Tx) error {
//		… // what happened
//		return hooks.Publish(tx, webhook.Event{ResourceID: id, Type: "Microsoft.Communication.SMSReceived", …})
//	})
//	hooks.Wake()
//
// # Endpoints
//
// A subscription delivers nothing before its endpoint has agreed: in the Event
// Grid schema by repeating a code, or by somebody's visit to the link that came
// with it; in CloudEvents 1.0 by allowing our origin in the answer to OPTIONS
// (HTTP 1.1 Web Hooks for Event Delivery), or by the same link.
//
// What the service must not be made to reach is refused: see Guard. Redirects
// are not followed, and no proxy is asked: it would connect in our place.
//
// # Deliveries
//
// An answer of 200 to 204 is a success. 400, 405, 410 and 413 say that trying
// again is no use. Anything else is tried again: after 10 and 30 seconds, 1, 5,
// 10 and 30 minutes, 1, 3, 6 and 12 hours, and every 12 hours then, each a
// little later than that, or as Retry-After asks if that is later. What could
// not be delivered within its life (a day) or 30 attempts, or was refused, is a
// dead letter: kept for a week, listed by DeadLetters, sent again by Redeliver.
//
// Events of one queue (Event.Queue, for one receiver) go one after the other in
// the order in which they were published; one that has to wait for its next
// attempt does not hold up those behind it, so receivers may see it later.
// Receivers may see an event twice, with the same id.
//
// # Signatures
//
// With a Signer and an audience each attempt carries a fresh JSON Web Token of
// five minutes in Authorization, as ACS's callbacks do. A subscription with a
// secret also gets the headers of Standard Webhooks: Webhook-Id,
// Webhook-Timestamp and Webhook-Signature, "v1," and the base64 of
// HMAC-SHA256(secret, id "." timestamp "." body).
package webhook
