package acswire

import "net/http"

// Routes of 2020-09-21-preview2, where they are others.
const (
	RouteChatMembersV2020      = "/chat/threads/{chatThreadId}/members"
	RouteChatMemberV2020       = "/chat/threads/{chatThreadId}/members/{chatMemberId}"
	RouteChatReadReceiptsV2020 = "/chat/threads/{chatThreadId}/readreceipts"
)

// Operations of 2020-09-21-preview2.
const (
	OpChatCreateThreadV2020     = "CreateChatThread"
	OpChatListThreadsV2020      = "ListChatThreads"
	OpChatGetThreadV2020        = "GetChatThread"
	OpChatUpdateThreadV2020     = "UpdateChatThread"
	OpChatDeleteThreadV2020     = "DeleteChatThread"
	OpChatSendMessageV2020      = "SendChatMessage"
	OpChatListMessagesV2020     = "ListChatMessages"
	OpChatGetMessageV2020       = "GetChatMessage"
	OpChatUpdateMessageV2020    = "UpdateChatMessage"
	OpChatDeleteMessageV2020    = "DeleteChatMessage"
	OpChatListMembersV2020      = "ListChatThreadMembers"
	OpChatAddMembersV2020       = "AddChatThreadMembers"
	OpChatRemoveMemberV2020     = "RemoveChatThreadMember"
	OpChatListReadReceiptsV2020 = "ListChatReadReceipts"
	OpChatSendReadReceiptV2020  = "SendChatReadReceipt"
	OpChatSendTypingV2020       = "SendTypingNotification"
)

// Priorities of messages, which only this version has.
const (
	ChatPriorityNormalV2020 = "Normal"
	ChatPriorityHighV2020   = "High"
)

// ChatMemberV2020 is a member of a thread.
type ChatMemberV2020 struct {
	// ID is the raw id.
	ID               *string `json:"id,omitempty"`
	DisplayName      *string `json:"displayName,omitempty"`
	ShareHistoryTime *string `json:"shareHistoryTime,omitempty"`
}

// CreateChatThreadRequestV2020 is the body of POST /chat/threads.
type CreateChatThreadRequestV2020 struct {
	Topic   *string           `json:"topic,omitempty"`
	Members []ChatMemberV2020 `json:"members"`
}

// IndividualStatusV2020 is what became of one thing of a request.
type IndividualStatusV2020 struct {
	ID         *string `json:"id,omitempty"`
	StatusCode *int32  `json:"statusCode,omitempty"`
	Message    *string `json:"message,omitempty"`
	// Type is "Thread" or "ThreadMember".
	Type *string `json:"type,omitempty"`
}

// MultiStatusV2020 is the body of the 207 that answers a creation.
type MultiStatusV2020 struct {
	MultipleStatus []IndividualStatusV2020 `json:"multipleStatus,omitempty"`
}

// ChatThreadV2020 is a thread.
type ChatThreadV2020 struct {
	ID        *string           `json:"id,omitempty"`
	Topic     *string           `json:"topic,omitempty"`
	CreatedOn *string           `json:"createdOn,omitempty"`
	CreatedBy *string           `json:"createdBy,omitempty"`
	Members   []ChatMemberV2020 `json:"members,omitempty"`
}

// ChatThreadInfoV2020 is a thread in a list.
type ChatThreadInfoV2020 struct {
	ID                    *string `json:"id,omitempty"`
	Topic                 *string `json:"topic,omitempty"`
	IsDeleted             *bool   `json:"isDeleted,omitempty"`
	LastMessageReceivedOn *string `json:"lastMessageReceivedOn,omitempty"`
}

// ChatThreadsInfoCollectionV2020 is a page of threads.
type ChatThreadsInfoCollectionV2020 struct {
	Value    []ChatThreadInfoV2020 `json:"value,omitempty"`
	NextLink *string               `json:"nextLink,omitempty"`
}

// UpdateChatThreadRequestV2020 changes the topic.
type UpdateChatThreadRequestV2020 struct {
	Topic *string `json:"topic,omitempty"`
}

// SendChatMessageRequestV2020 is the body that sends a message.
type SendChatMessageRequestV2020 struct {
	// Priority is "Normal" or "High".
	Priority          *string `json:"priority,omitempty"`
	Content           *string `json:"content,omitempty"`
	SenderDisplayName *string `json:"senderDisplayName,omitempty"`
}

// UpdateChatMessageRequestV2020 changes a message.
type UpdateChatMessageRequestV2020 struct {
	Content  *string `json:"content,omitempty"`
	Priority *string `json:"priority,omitempty"`
}

// ChatMessageV2020 is a message.
type ChatMessageV2020 struct {
	ID *string `json:"id,omitempty"`
	// Type is "Text", "ThreadActivity/TopicUpdate", "ThreadActivity/AddMember"
	// or "ThreadActivity/DeleteMember".
	Type              *string `json:"type,omitempty"`
	Priority          *string `json:"priority,omitempty"`
	Version           *string `json:"version,omitempty"`
	Content           *string `json:"content,omitempty"`
	SenderDisplayName *string `json:"senderDisplayName,omitempty"`
	CreatedOn         *string `json:"createdOn,omitempty"`
	SenderID          *string `json:"senderId,omitempty"`
	DeletedOn         *string `json:"deletedOn,omitempty"`
	EditedOn          *string `json:"editedOn,omitempty"`
}

// ChatMessagesCollectionV2020 is a page of messages.
type ChatMessagesCollectionV2020 struct {
	Value    []ChatMessageV2020 `json:"value,omitempty"`
	NextLink *string            `json:"nextLink,omitempty"`
}

// ChatMembersCollectionV2020 is a page of members.
type ChatMembersCollectionV2020 struct {
	Value    []ChatMemberV2020 `json:"value,omitempty"`
	NextLink *string           `json:"nextLink,omitempty"`
}

// AddChatMembersRequestV2020 is the body that adds members.
type AddChatMembersRequestV2020 struct {
	Members []ChatMemberV2020 `json:"members"`
}

// ChatReadReceiptV2020 says up to which message a member has read.
type ChatReadReceiptV2020 struct {
	SenderID      *string `json:"senderId,omitempty"`
	ChatMessageID *string `json:"chatMessageId,omitempty"`
	ReadOn        *string `json:"readOn,omitempty"`
}

// ChatReadReceiptsCollectionV2020 is a page of read receipts.
type ChatReadReceiptsCollectionV2020 struct {
	Value    []ChatReadReceiptV2020 `json:"value,omitempty"`
	NextLink *string                `json:"nextLink,omitempty"`
}

// chatOf2020 are the operations of 2020-09-21-preview2.
func chatOf2020() []Operation {
	answer := func(status int, body any, text string) []OperationResponse {
		return []OperationResponse{{Status: status, Body: body, Description: text}}
	}
	return []Operation{
		{
			ID: OpChatCreateThreadV2020, Method: http.MethodPost, Route: RouteChatThreads, Summary: "Create a thread.", Request: CreateChatThreadRequestV2020{},
			Responses: answer(http.StatusMultiStatus, MultiStatusV2020{}, "What became of the thread and of each member."),
		},
		{
			ID: OpChatListThreadsV2020, Method: http.MethodGet, Route: RouteChatThreads, Paged: true, Summary: "List the threads of the user.",
			Parameters: []Parameter{maxPageSize(), startTime()}, Responses: answer(http.StatusOK, ChatThreadsInfoCollectionV2020{}, "A page of threads."),
		},
		{
			ID: OpChatGetThreadV2020, Method: http.MethodGet, Route: RouteChatThread, Summary: "Get a thread.",
			Responses: answer(http.StatusOK, ChatThreadV2020{}, "The thread."),
		},
		{
			ID: OpChatUpdateThreadV2020, Method: http.MethodPatch, Route: RouteChatThread, Summary: "Change the topic of a thread.", Request: UpdateChatThreadRequestV2020{},
			Responses: answer(http.StatusOK, nil, "The thread was changed."),
		},
		{
			ID: OpChatDeleteThreadV2020, Method: http.MethodDelete, Route: RouteChatThread, Summary: "Delete a thread for all its members.",
			Responses: answer(http.StatusNoContent, nil, "The thread is gone."),
		},
		{
			ID: OpChatSendMessageV2020, Method: http.MethodPost, Route: RouteChatMessages, Summary: "Send a message.", Request: SendChatMessageRequestV2020{},
			Responses: answer(http.StatusCreated, SendChatMessageResult{}, "The message was sent."),
		},
		{
			ID: OpChatListMessagesV2020, Method: http.MethodGet, Route: RouteChatMessages, Paged: true, Summary: "List the messages of a thread, the newest first.",
			Parameters: []Parameter{maxPageSize(), startTime()}, Responses: answer(http.StatusOK, ChatMessagesCollectionV2020{}, "A page of messages."),
		},
		{
			ID: OpChatGetMessageV2020, Method: http.MethodGet, Route: RouteChatMessage, Summary: "Get a message.",
			Responses: answer(http.StatusOK, ChatMessageV2020{}, "The message."),
		},
		{
			ID: OpChatUpdateMessageV2020, Method: http.MethodPatch, Route: RouteChatMessage, Summary: "Change a message that the user wrote.", Request: UpdateChatMessageRequestV2020{},
			Responses: answer(http.StatusOK, nil, "The message was changed."),
		},
		{
			ID: OpChatDeleteMessageV2020, Method: http.MethodDelete, Route: RouteChatMessage, Summary: "Delete a message that the user wrote.",
			Responses: answer(http.StatusNoContent, nil, "The message is gone."),
		},
		{
			ID: OpChatListMembersV2020, Method: http.MethodGet, Route: RouteChatMembersV2020, Paged: true, Summary: "List the members of a thread.",
			Responses: answer(http.StatusOK, ChatMembersCollectionV2020{}, "The members."),
		},
		{
			ID: OpChatAddMembersV2020, Method: http.MethodPost, Route: RouteChatMembersV2020, Summary: "Add members.", Request: AddChatMembersRequestV2020{},
			Responses: answer(http.StatusMultiStatus, nil, "The members were added."),
		},
		{
			ID: OpChatRemoveMemberV2020, Method: http.MethodDelete, Route: RouteChatMemberV2020, Summary: "Remove a member.",
			Responses: answer(http.StatusNoContent, nil, "The member is not in the thread."),
		},
		{
			ID: OpChatListReadReceiptsV2020, Method: http.MethodGet, Route: RouteChatReadReceiptsV2020, Paged: true, Summary: "List how far the members have read.",
			Responses: answer(http.StatusOK, ChatReadReceiptsCollectionV2020{}, "The read receipts."),
		},
		{
			ID: OpChatSendReadReceiptV2020, Method: http.MethodPost, Route: RouteChatReadReceiptsV2020, Summary: "Say up to which message the user has read.", Request: SendReadReceiptRequest{},
			Responses: answer(http.StatusCreated, nil, "The members are told."),
		},
		{
			ID: OpChatSendTypingV2020, Method: http.MethodPost, Route: RouteChatTyping, Summary: "Tell the members that the user is writing.",
			Responses: answer(http.StatusOK, nil, "The members are told."),
		},
	}
}
