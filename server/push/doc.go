// Package push wakes phones through Apple's and Google's services: for messages
// in threads to users who have no connection, and for calls to users of whom no
// device is signed in.
//
// # Devices
//
// An app registers its phone with a user access token (Register): the platform
// and the token that the platform gave it. A token that the platform does not
// know any more is forgotten; one that comes with another user is that user's.
//
// # Messages
//
// A message that may have to be told is written down in its own transaction, and
// costs nothing in a resource without devices. Then, once: who of the members
// has no connection, on any node, gets it on each device. Attempts that fail are
// repeated for an hour, also by another node and after a restart. What was
// deleted meanwhile is not told. A push may come twice, or late: it only says
// that there is something to fetch.
//
// # Calls
//
// The call waits a while for a device to sign in (server/calls). Nothing is
// written down.
//
// # What is sent
//
// By default who wrote and where, not what: the texts go through others' hands.
// Options.Content sends the beginning of the text too.
//
// APNs gets {"aps":{…},"parley":{…}}, FCM a data message with the members of
// "parley" as texts, so that the app decides what it shows:
//
//	{"type":"chat","threadId":"19:…","messageId":"178…","senderId":"8:acs:…",
//	 "senderDisplayName":"Alice","text":"…"}
//	{"type":"call","callId":"…","from":"8:acs:…","displayName":"Alice","video":"false"}
//
// For a call APNs gets a VoIP push when the device has a token for it.
package push
