// Package paging reads what a request says about the page of a list that it
// wants, and makes the link to the next one, in each of the contract's dialects
// (acs-rest 1.5):
//
//	page, err := paging.ChatSkip().Parse(r.Query())
//	…
//	found := … LIMIT page.Limit() OFFSET page.Skip
//	found, more := paging.Cut(page, found)
//	if more {
//		answer.NextLink = page.Next(r, "/chat/threads/"+id+"/participants", len(found))
//	}
//
// A list that changes while it is read is better continued behind the last item
// than by a number of items: such an area asks Page.After for the parts of the
// last item's key and makes links with Page.NextAfter. Clients follow links as
// they are, so any dialect can carry a continuation.
//
// # Continuations
//
// A continuation is opaque to clients, but neither secret nor signed: it says
// where to go on in a list that the request must have the right to read anyway.
// It carries a check sum over the list's name, so that one of another list, or
// one that was cut short, is refused instead of answered with the wrong page.
// Put nothing into it that the reader of the list may not see.
//
// # Sizes
//
// A size above the dialect's largest is answered with the largest: the contract
// lets a page be shorter than asked for. One below 1, or that is no number, is
// an error.
package paging
