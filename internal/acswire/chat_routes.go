package acswire

// Routes of the chat area.
const (
	RouteChatThreads            = "/chat/threads"
	RouteChatThread             = "/chat/threads/{chatThreadId}"
	RouteChatMessages           = "/chat/threads/{chatThreadId}/messages"
	RouteChatMessage            = "/chat/threads/{chatThreadId}/messages/{chatMessageId}"
	RouteChatParticipants       = "/chat/threads/{chatThreadId}/participants"
	RouteChatParticipantsAdd    = "/chat/threads/{chatThreadId}/participants/:add"
	RouteChatParticipantsRemove = "/chat/threads/{chatThreadId}/participants/:remove"
	RouteChatReadReceipts       = "/chat/threads/{chatThreadId}/readReceipts"
	RouteChatTyping             = "/chat/threads/{chatThreadId}/typing"
	RouteChatImages             = "/chat/threads/{chatThreadId}/images"
	RouteChatImage              = "/chat/threads/{chatThreadId}/images/{imageId}"
	// The specification says view; the links in its own examples say views.
	RouteChatImageView = "/chat/threads/{chatThreadId}/images/{imageId}/view/{imageViewType}"
)

// ChatThreadPath returns the escaped path of a thread.
func ChatThreadPath(thread string) string {
	return RouteChatThreads + "/" + EscapePathValue(thread)
}

// ChatMessagePath returns the escaped path of a message.
func ChatMessagePath(thread, message string) string {
	return ChatThreadPath(thread) + "/messages/" + EscapePathValue(message)
}
