// Package repeat remembers the answers of requests that a client may send
// twice because it did not hear the first answer (acs-rest 1.4). Whoever
// handles such a request begins with Begin:
//
//	claim, err := repeats.Begin(ctx, key, fingerprint)
//	if answer := claim.Answer(); answer != nil {
//		return answer // it was done before
//	}
//	// do it; within the same transaction:
//	err = claim.FinishTx(tx, repeat.Answer{Status: 201, Body: body})
//	// or, when it could not be done:
//	claim.Abandon(ctx)
//
// A second request with the same key waits for the first, on whatever node
// that runs. One that died with its node is taken over when its lease has run
// out; FinishTx then keeps the dead one's transaction, should it still be under
// way, from taking effect beside the new one's. An answer is kept for Keep.
//
// The keys of a request's headers and those of its single parts, such as the
// recipients of a message, differ in their Scope only.
package repeat
