package acswire

// ErrorModel returns the zero value of the body of an area's errors in a
// contract, for documents and checks. The zero contract has the usual one.
func ErrorModel(a Area, contract Version) any {
	switch {
	case a != AreaChat || contract.IsZero() || contract.Compare(VersionChatErrors()) >= 0:
		return ErrorResponse{}
	case contract == VersionChatFirst():
		return Error{}
	}
	return ChatErrorResponse{}
}
