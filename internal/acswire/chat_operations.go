package acswire

import (
	"net/http"
	"slices"
	"strings"
)

// Operations of the chat area.
const (
	OpChatCreateThread      = "Chat_CreateChatThread"
	OpChatListThreads       = "Chat_ListChatThreads"
	OpChatDeleteThread      = "Chat_DeleteChatThread"
	OpChatGetThread         = "ChatThread_GetChatThreadProperties"
	OpChatUpdateThread      = "ChatThread_UpdateChatThreadProperties"
	OpChatSendMessage       = "ChatThread_SendChatMessage"
	OpChatListMessages      = "ChatThread_ListChatMessages"
	OpChatGetMessage        = "ChatThread_GetChatMessage"
	OpChatUpdateMessage     = "ChatThread_UpdateChatMessage"
	OpChatDeleteMessage     = "ChatThread_DeleteChatMessage"
	OpChatListParticipants  = "ChatThread_ListChatParticipants"
	OpChatAddParticipants   = "ChatThread_AddChatParticipants"
	OpChatRemoveParticipant = "ChatThread_RemoveChatParticipant"
	OpChatListReadReceipts  = "ChatThread_ListChatReadReceipts"
	OpChatSendReadReceipt   = "ChatThread_SendChatReadReceipt"
	OpChatSendTyping        = "ChatThread_SendTypingNotification"
	OpChatUploadImage       = "ChatThread_UploadChatImage"
	OpChatGetImage          = "ChatThread_GetChatImage"
	OpChatDeleteImage       = "ChatThread_DeleteChatImage"
)

const (
	contentTypeMergePatch = "application/merge-patch+json"
	contentTypePlainJSON  = "application/json"
)

// chatOperations is the table of the chat area.
func chatOperations() []Operation {
	now := append(append(chatThreadOperations(), chatMessageOperations()...), chatRosterOperations()...)
	for i := range now {
		now[i].First = stable("2021-03-07")
	}
	first := chatOf2020()
	for i := range first {
		first[i].First, first[i].Last = preview("2020-09-21", 2), preview("2020-09-21", 2)
	}
	operations := slices.Concat(now, chatImageOperations(), first)
	for i := range operations {
		o := &operations[i]
		o.Area, o.Auth = AreaChat, AuthUser
		o.Parameters = append(chatPathParameters(o.Route), o.Parameters...)
	}
	return operations
}

func chatThreadOperations() []Operation {
	created := OperationResponse{Status: http.StatusCreated, Body: CreateChatThreadResult{}, Headers: []string{HeaderLocation}, Description: "The thread was made."}
	return []Operation{
		{
			ID: OpChatCreateThread, Method: http.MethodPost, Route: RouteChatThreads,
			Summary: "Create a thread.",
			Parameters: []Parameter{{
				Name: strings.ToLower(HeaderRepeatabilityID), In: InHeader, Kind: KindString,
				Description: "Makes the creation repeatable: the same id of the same user gives the same thread.",
			}},
			Request: CreateChatThreadRequest{}, Responses: []OperationResponse{created},
		},
		{
			ID: OpChatListThreads, Method: http.MethodGet, Route: RouteChatThreads, Paged: true,
			Summary: "List the threads of the user, those with the newest messages first.", Parameters: []Parameter{maxPageSize(), startTime()},
			Responses: []OperationResponse{{Status: http.StatusOK, Body: ChatThreadsItemCollection{}, Description: "A page of threads."}},
		},
		{
			ID: OpChatGetThread, Method: http.MethodGet, Route: RouteChatThread, Summary: "Get a thread.",
			Responses: []OperationResponse{{Status: http.StatusOK, Body: ChatThreadProperties{}, Description: "The thread."}},
		},
		{
			ID: OpChatUpdateThread, Method: http.MethodPatch, Route: RouteChatThread, Summary: "Change the properties of a thread.",
			Request: UpdateChatThreadRequest{}, RequestTypes: mergePatch(),
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "The thread was changed."}},
		},
		{
			ID: OpChatDeleteThread, Method: http.MethodDelete, Route: RouteChatThread, Summary: "Delete a thread for all its members.",
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "The thread is gone."}},
		},
	}
}

func chatMessageOperations() []Operation {
	return []Operation{
		{
			ID: OpChatSendMessage, Method: http.MethodPost, Route: RouteChatMessages, Summary: "Send a message.",
			Request:   SendChatMessageRequest{},
			Responses: []OperationResponse{{Status: http.StatusCreated, Body: SendChatMessageResult{}, Headers: []string{HeaderLocation}, Description: "The message was sent."}},
		},
		{
			ID: OpChatListMessages, Method: http.MethodGet, Route: RouteChatMessages, Paged: true,
			Summary: "List the messages of a thread, the newest first.", Parameters: []Parameter{maxPageSize(), startTime()},
			Responses: []OperationResponse{{Status: http.StatusOK, Body: ChatMessagesCollection{}, Description: "A page of messages."}},
		},
		{
			ID: OpChatGetMessage, Method: http.MethodGet, Route: RouteChatMessage, Summary: "Get a message.",
			Responses: []OperationResponse{{Status: http.StatusOK, Body: ChatMessage{}, Description: "The message."}},
		},
		{
			ID: OpChatUpdateMessage, Method: http.MethodPatch, Route: RouteChatMessage, Summary: "Change a message that the user wrote.",
			Request: UpdateChatMessageRequest{}, RequestTypes: mergePatch(),
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "The message was changed."}},
		},
		{
			ID: OpChatDeleteMessage, Method: http.MethodDelete, Route: RouteChatMessage, Summary: "Delete a message that the user wrote.",
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "The message is gone."}},
		},
		{
			ID: OpChatSendReadReceipt, Method: http.MethodPost, Route: RouteChatReadReceipts, Summary: "Say up to which message the user has read.",
			Request:   SendReadReceiptRequest{},
			Responses: []OperationResponse{{Status: http.StatusOK, Description: "The members are told."}},
		},
		{
			ID: OpChatListReadReceipts, Method: http.MethodGet, Route: RouteChatReadReceipts, Paged: true,
			Summary: "List how far the members have read.", Parameters: []Parameter{maxPageSize(), skip()},
			Responses: []OperationResponse{{Status: http.StatusOK, Body: ChatMessageReadReceiptsCollection{}, Description: "A page of read receipts."}},
		},
		{
			ID: OpChatSendTyping, Method: http.MethodPost, Route: RouteChatTyping, Summary: "Tell the members that the user is writing.",
			Request: SendTypingNotificationRequest{}, RequestOptional: true,
			Responses: []OperationResponse{{Status: http.StatusOK, Description: "The members are told."}},
		},
	}
}

func chatRosterOperations() []Operation {
	return []Operation{
		{
			ID: OpChatListParticipants, Method: http.MethodGet, Route: RouteChatParticipants, Paged: true,
			Summary: "List the participants of a thread.", Parameters: []Parameter{maxPageSize(), skip()},
			Responses: []OperationResponse{{Status: http.StatusOK, Body: ChatParticipantsCollection{}, Description: "A page of participants."}},
		},
		{
			ID: OpChatAddParticipants, Method: http.MethodPost, Route: RouteChatParticipantsAdd,
			Summary:   "Add participants. Those that cannot be added are in the answer.",
			Request:   AddChatParticipantsRequest{},
			Responses: []OperationResponse{{Status: http.StatusCreated, Body: AddChatParticipantsResult{}, Description: "The participants were added."}},
		},
		{
			ID: OpChatRemoveParticipant, Method: http.MethodPost, Route: RouteChatParticipantsRemove, Summary: "Remove a participant.",
			Request: IdentifierModel{}, RequestTypes: []string{contentTypePlainJSON, contentTypeMergePatch},
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "The participant is not in the thread."}},
		},
	}
}

func mergePatch() []string { return []string{contentTypeMergePatch, contentTypePlainJSON} }

func maxPageSize() Parameter {
	return Parameter{Name: QueryMaxPageSize, In: InQuery, Kind: KindInteger, Description: "How many items a page has at most; 200 is the limit."}
}

func startTime() Parameter {
	return Parameter{Name: QueryStartTime, In: InQuery, Kind: KindDateTime, Description: "Leaves out what is older, RFC 3339."}
}

func skip() Parameter {
	return Parameter{Name: QuerySkip, In: InQuery, Kind: KindInteger, Description: "How many items to leave out."}
}

// chatPathParameters describes the values of a route.
func chatPathParameters(route string) []Parameter {
	var parameters []Parameter
	for _, name := range pathNames(route) {
		p := Parameter{Name: name, In: InPath, Kind: KindString, Required: true}
		switch name {
		case "chatThreadId":
			p.Description = "The id of the thread."
		case "chatMessageId":
			p.Description = "The id of the message."
		case "imageId":
			p.Description = "The id of the image."
		case "imageViewType":
			p.Description, p.Values = "How large.", PossibleChatImageViews()
		case "chatMemberId":
			p.Description = "The raw id of the member."
		}
		parameters = append(parameters, p)
	}
	return parameters
}
