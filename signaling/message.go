package signaling

import "github.com/parley-rtc/parley/signaling/signalpb"

// Message is one reliable message. Fill CallID (16 bytes, for messages of a
// call) and Body; leave CallRef alone. Bodies and fields that this version
// does not know are kept, so a forwarded message arrives whole.
//
// A message given to Send or returned by a handler may be used on; Send keeps
// a copy of its own.
type Message = signalpb.Message

// RelayServers are the TURN servers an agent may use.
type RelayServers = signalpb.RelayServers
