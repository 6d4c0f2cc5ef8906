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

// ChatImagePath returns the escaped path of an image.
func ChatImagePath(thread, image string) string {
	return ChatThreadPath(thread) + "/images/" + EscapePathValue(image)
}

// ChatImageViewPath returns the escaped path of an image in one of its sizes.
func ChatImageViewPath(thread, image, view string) string {
	return ChatImagePath(thread, image) + "/view/" + EscapePathValue(view)
}

// ChatMessagePath returns the escaped path of a message.
func ChatMessagePath(thread, message string) string {
	return ChatThreadPath(thread) + "/messages/" + EscapePathValue(message)
}
