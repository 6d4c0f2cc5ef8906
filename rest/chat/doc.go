// Package chat is the client of chat: threads, who takes part in them, what
// they write, read and type. Client is for one user, whose token it carries;
// ThreadClient is for one thread. A back end that writes as a user, a bot for
// example, uses it just as a device does.
//
// # Smallest program
//
//	client, err := chat.NewClient(endpoint, credential, nil)
//	if err != nil {
//		return err
//	}
//	made, err := client.CreateThread(ctx, "Lunch", &chat.ClientCreateThreadOptions{
//		Participants: []chat.Participant{{Identifier: bob}},
//	})
//	if err != nil {
//		return err
//	}
//	thread, err := client.NewThreadClient(*made.Thread.ID)
//	if err != nil {
//		return err
//	}
//	sent, err := thread.SendMessage(ctx, "Are you hungry?", nil)
//
// The credential gives user access tokens with the scope chat, chat.join or
// chat.join.limited, see the package common; an access key is of no use here.
//
// # What a repeated call does
//
// The clients repeat a call whose answer was lost. CreateThread carries an id
// for that and makes one thread however often it is repeated. The contract has
// no such id for messages: SendMessage may leave the same message twice.
//
// # Partial success
//
// CreateThread and AddParticipants succeed even when some users could not be
// added: they stand in InvalidParticipants. Looking there is the caller's part.
//
// # Real time
//
// Realtime hears what happens as it happens, over a connection of its own to
// Parley's service: each thing once and in order, also what happened while
// there was no connection, or while the program did not run when it keeps the
// Position. It sends messages over the same connection, each once. Outbox keeps
// messages in a file until they are sent. ACS itself has another protocol for
// its connection, which is its own; against ACS use ThreadClient, and an Outbox
// with the Client as its sender.
//
// # Which call goes where
//
// Over the connection goes what happens often and must not come twice, over REST
// all else; either way everybody's Realtime tells what became of it, the
// caller's own included.
//
//	write a text or html, without images    Realtime.SendMessage, or an Outbox
//	tell that the user types, or has read   Realtime.SendTypingNotification, Realtime.SendReadReceipt
//	write with images                       ThreadClient.UploadImage, ThreadClient.SendMessage
//	edit or take back a message             ThreadClient.UpdateMessage, ThreadClient.DeleteMessage
//	topic, metadata, retention              ThreadClient.UpdateProperties
//	who takes part                          ThreadClient.AddParticipants, ThreadClient.RemoveParticipant
//	make and delete threads                 Client.CreateThread, Client.DeleteThread
//	what was before the Position            ThreadClient.NewListMessagesPager and the other lists
//
// The calls over REST of this table may be repeated without harm, all but
// SendMessage: a second deletion, addition or removal changes nothing more, a
// second edit or topic is told again. They need no connection; without a network
// they fail, and the application tries again. Ids are the same both ways: that of a MessageEvent or
// of Realtime.SendMessage is what UpdateMessage takes.
//
// # Versions
//
// The client asks for the newest stable version of the contract. Images exist
// only in the preview 2024-06-05-preview; their methods ask for that one,
// whatever version the options name.
//
// # Errors
//
// A refusal is a *core.ResponseError. Codes to look at with core.HasCode:
// CodeForbidden (the user is not in the thread, or the token's scopes do not
// allow it), CodeNotFound, CodeBadRequest, CodeTooManyRequests, CodeUnauthorized.
//
// # Lifecycle and threading
//
// Clients are immutable, safe for many goroutines and need no closing; a
// Realtime and an Outbox are to be closed. Every
// method blocks until the service answered, the retries ended or the context
// did. The package fake stands in for the service in tests, for a Realtime
// too.
package chat
