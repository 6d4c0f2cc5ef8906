package callfsm

import "fmt"

// EndReason says why a call, a leg or an operation ended: the code is SIP-like,
// the subcode says it finer, as in ACS. The zero value is the ordinary end 0/0.
type EndReason struct {
	Code, Subcode int
	// Message explains the pair to a developer. It does not take part in Is.
	Message string
}

// String returns "code/subcode message".
func (r EndReason) String() string {
	if r.Message == "" {
		return fmt.Sprintf("%d/%d", r.Code, r.Subcode)
	}
	return fmt.Sprintf("%d/%d %s", r.Code, r.Subcode, r.Message)
}

// Is tells whether both have the same code and subcode.
func (r EndReason) Is(other EndReason) bool {
	return r.Code == other.Code && r.Subcode == other.Subcode
}

// ReasonName picks one of the reasons that Parley itself gives.
type ReasonName uint8

// The reasons by name; ReasonName.Reason gives the pair and its explanation.
const (
	ReasonNone ReasonName = iota
	ReasonCancelled
	ReasonDeclined
	ReasonBusy
	ReasonNoAnswer
	ReasonAnsweredElsewhere
	ReasonNotEstablished
	ReasonUnreachable
	ReasonNetworkLost
	ReasonEndedForAll
	ReasonAbruptExit
	ReasonDropped
	ReasonRemoved
	ReasonAllDeclined
	ReasonRoleChanged
	ReasonEndedByAutomation
	ReasonMediaSetup
	ReasonNoCommonCodec
	ReasonMediaTransport
	ReasonMediaProtocol
	ReasonNoMediaPath
	ReasonMediaPathLost
	ReasonEndpointGone
	ReasonRingTimeout
	ReasonTokenExpired
	ReasonUnauthorized
	ReasonNotFound
	ReasonUserBlocked
	ReasonPushFailed
	ReasonDeviceUnreachable
	ReasonNotInvited
	ReasonOutsideWindow
	ReasonWrongIdentity
	ReasonPSTNForbidden
	ReasonPSTNEnded
	ReasonServiceStopping
	ReasonUnknownCall
	ReasonTooManyRequests
	ReasonModalityTimeout
	ReasonModalityRefused
	ReasonOperationTimeout
	ReasonOperationRefused
	reasonCount
)

// Reason returns the code, the subcode and the explanation of a name. An
// unknown name gives the zero EndReason.
func (n ReasonName) Reason() EndReason {
	if n >= reasonCount {
		return EndReason{}
	}
	return reasonTable[n]
}

var reasonTable = [reasonCount]EndReason{
	ReasonNone:              {0, 0, "the call was hung up"},
	ReasonCancelled:         {487, 0, "the caller hung up before an answer"},
	ReasonDeclined:          {603, 0, "the callee declined"},
	ReasonBusy:              {486, 560486, "the callee is busy"},
	ReasonNoAnswer:          {487, 10004, "nobody answered in time"},
	ReasonAnsweredElsewhere: {487, 10003, "another device answered"},
	ReasonNotEstablished:    {408, 10057, "the call was not established in time"},
	ReasonUnreachable:       {480, 10037, "no device of the callee is signed in"},
	ReasonNetworkLost:       {496, 7, "the network was lost for too long"},
	ReasonEndedForAll:       {0, 4097, "the call was ended for everyone"},
	ReasonAbruptExit:        {0, 4521, "a participant left without hanging up"},
	ReasonDropped:           {0, 5000, "removed from the call by the service"},
	ReasonRemoved:           {0, 5300, "removed from the call by a participant"},
	ReasonAllDeclined:       {0, 5003, "everybody who was called declined"},
	ReasonRoleChanged:       {0, 5317, "removed because the role changed"},
	ReasonEndedByAutomation: {0, 7000, "ended by call automation"},
	ReasonMediaSetup:        {410, 3100, "media could not be set up"},
	ReasonNoCommonCodec:     {410, 3101, "the ends have no codec in common"},
	ReasonMediaTransport:    {410, 3111, "the media transport failed"},
	ReasonMediaProtocol:     {410, 3112, "the other end broke the media protocol"},
	ReasonNoMediaPath:       {410, 301004, "no network path between the ends was found"},
	ReasonMediaPathLost:     {410, 301005, "the network path was lost and no other was found"},
	ReasonEndpointGone:      {490, 4502, "the end could not go on"},
	ReasonRingTimeout:       {408, 4506, "the device rang for too long"},
	ReasonTokenExpired:      {495, 4507, "the access token is no longer valid"},
	ReasonUnauthorized:      {401, 10009, "not allowed to take part in the call"},
	ReasonNotFound:          {487, 10024, "the call was over before the request"},
	ReasonUserBlocked:       {480, 10076, "the callee does not take the call"},
	ReasonPushFailed:        {480, 10077, "the callee could not be notified"},
	ReasonDeviceUnreachable: {480, 10078, "the callee's devices went away"},
	ReasonNotInvited:        {403, 5828, "not invited to the room"},
	ReasonOutsideWindow:     {403, 5829, "the room is not open at this time"},
	ReasonWrongIdentity:     {403, 5830, "this kind of identity may not enter the room"},
	ReasonPSTNForbidden:     {403, 510403, "the telephone network refused the call"},
	ReasonPSTNEnded:         {0, 560000, "the telephone side hung up"},
	ReasonServiceStopping:   {503, 0, "the service is shutting down"},
	ReasonUnknownCall:       {481, 0, "the service does not know the call"},
	ReasonTooManyRequests:   {429, 0, "more requests than the service takes"},
	ReasonModalityTimeout:   {408, 0, "the other end did not agree in time"},
	ReasonModalityRefused:   {488, 0, "the other end does not take this media"},
	ReasonOperationTimeout:  {408, 0, "the operation was not done in time"},
	ReasonOperationRefused:  {501, 0, "the service does not offer this operation here"},
}

// PSTNReason maps a SIP status of a telephone leg to its pair: the subcode is
// 560xxx for calls to the telephone network and 540xxx for calls from it.
func PSTNReason(sipCode int, inbound bool) EndReason {
	base := 560000
	if inbound {
		base = 540000
	}
	return EndReason{Code: sipCode, Subcode: base + sipCode, Message: "ended by the telephone network"}
}

// explain adds the text of a pair that Parley knows.
func explain(r EndReason) EndReason {
	if r.Message != "" {
		return r
	}
	for i := range reasonTable {
		if reasonTable[i].Is(r) {
			return reasonTable[i]
		}
	}
	return r
}

// wire leaves out the text that the receiver can add itself.
func wire(r EndReason) EndReason {
	if r.Message != "" && explain(EndReason{Code: r.Code, Subcode: r.Subcode}).Message == r.Message {
		r.Message = ""
	}
	return r
}
