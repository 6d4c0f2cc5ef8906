package acswire

// Types of chat messages.
const (
	ChatMessageText               = "text"
	ChatMessageHTML               = "html"
	ChatMessageTopicUpdated       = "topicUpdated"
	ChatMessageParticipantAdded   = "participantAdded"
	ChatMessageParticipantRemoved = "participantRemoved"
)

// PossibleChatMessageTypes returns every type of message.
func PossibleChatMessageTypes() []string {
	return []string{ChatMessageText, ChatMessageHTML, ChatMessageTopicUpdated, ChatMessageParticipantAdded, ChatMessageParticipantRemoved}
}

// Types of attachments.
const (
	ChatAttachmentImage = "image"
	ChatAttachmentFile  = "file"
)

// PossibleChatAttachmentTypes returns every type of attachment.
func PossibleChatAttachmentTypes() []string {
	return []string{ChatAttachmentImage, ChatAttachmentFile}
}

// Kinds of retention policies.
const (
	ChatRetentionThreadCreationDate = "threadCreationDate"
	ChatRetentionNone               = "none"
)

// PossibleChatRetentionKinds returns every kind of retention policy.
func PossibleChatRetentionKinds() []string {
	return []string{ChatRetentionThreadCreationDate, ChatRetentionNone}
}

// Sizes in which an image can be had.
const (
	ChatImageOriginal = "original"
	ChatImageSmall    = "small"
)

// PossibleChatImageViews returns every size of an image.
func PossibleChatImageViews() []string { return []string{ChatImageOriginal, ChatImageSmall} }

// HeaderImageFilename names the file of an image that is uploaded.
const HeaderImageFilename = "Image-Filename"

// QueryMaxPageSize, QuerySkip and QueryStartTime are the parameters of the
// lists of chat.
const (
	QueryMaxPageSize = "maxPageSize"
	QuerySkip        = "skip"
	QueryStartTime   = "startTime"
)

// ChatRetentionPolicy says when a thread is deleted by itself.
type ChatRetentionPolicy struct {
	// Kind is one of the ChatRetention constants.
	Kind *string `json:"kind,omitempty"`
	// DeleteThreadAfterDays goes with ChatRetentionThreadCreationDate.
	DeleteThreadAfterDays *int32 `json:"deleteThreadAfterDays,omitempty"`
}

// ChatParticipant is a member of a thread.
type ChatParticipant struct {
	CommunicationIdentifier *IdentifierModel `json:"communicationIdentifier,omitempty"`
	DisplayName             *string          `json:"displayName,omitempty"`
	// ShareHistoryTime is from when on the member sees messages, RFC 3339.
	ShareHistoryTime *string           `json:"shareHistoryTime,omitempty"`
	Metadata         map[string]string `json:"metadata,omitempty" since:"2024-06-05-preview"`
}

// CreateChatThreadRequest is the body of POST /chat/threads.
type CreateChatThreadRequest struct {
	Topic           *string              `json:"topic,omitempty"`
	Participants    []ChatParticipant    `json:"participants,omitempty"`
	Metadata        map[string]string    `json:"metadata,omitempty" since:"2024-06-05-preview"`
	RetentionPolicy *ChatRetentionPolicy `json:"retentionPolicy,omitempty" since:"2024-06-05-preview"`
}

// ChatThreadProperties is a thread.
type ChatThreadProperties struct {
	ID                               *string              `json:"id,omitempty"`
	Topic                            *string              `json:"topic,omitempty"`
	CreatedOn                        *string              `json:"createdOn,omitempty"`
	CreatedByCommunicationIdentifier *IdentifierModel     `json:"createdByCommunicationIdentifier,omitempty"`
	DeletedOn                        *string              `json:"deletedOn,omitempty"`
	Metadata                         map[string]string    `json:"metadata,omitempty" since:"2024-06-05-preview"`
	RetentionPolicy                  *ChatRetentionPolicy `json:"retentionPolicy,omitempty" since:"2024-06-05-preview"`
	// MessagingPolicy restricts what may be sent. This service has none.
	MessagingPolicy *ChatMessagingPolicy `json:"messagingPolicy,omitempty" since:"2024-06-05-preview" until:"2024-06-05-preview"`
}

// ChatMessagingPolicy restricts what may be sent into a thread.
type ChatMessagingPolicy struct {
	TextOnlyChat *bool `json:"textOnlyChat,omitempty"`
}

// ChatPolicyViolation says what was done about a message against a policy.
type ChatPolicyViolation struct {
	// State is "contentBlocked" or "warning".
	State *string `json:"state,omitempty"`
}

// CreateChatThreadResult is the body of the 201 that answers POST /chat/threads.
type CreateChatThreadResult struct {
	ChatThread          *ChatThreadProperties `json:"chatThread,omitempty"`
	InvalidParticipants []Error               `json:"invalidParticipants,omitempty"`
}

// UpdateChatThreadRequest is the merge patch of a thread. In metadata, null
// takes a name away.
type UpdateChatThreadRequest struct {
	Topic           *string              `json:"topic,omitempty"`
	Metadata        map[string]*string   `json:"metadata,omitempty" since:"2024-06-05-preview"`
	RetentionPolicy *ChatRetentionPolicy `json:"retentionPolicy,omitempty" since:"2024-06-05-preview"`
}

// ChatThreadItem is a thread in a list.
type ChatThreadItem struct {
	ID                    *string `json:"id,omitempty"`
	Topic                 *string `json:"topic,omitempty"`
	DeletedOn             *string `json:"deletedOn,omitempty"`
	LastMessageReceivedOn *string `json:"lastMessageReceivedOn,omitempty"`
}

// ChatThreadsItemCollection is a page of threads.
type ChatThreadsItemCollection struct {
	Value    []ChatThreadItem `json:"value"`
	NextLink *string          `json:"nextLink,omitempty"`
}

// SendChatMessageRequest is the body that sends a message.
type SendChatMessageRequest struct {
	Content           *string           `json:"content,omitempty"`
	SenderDisplayName *string           `json:"senderDisplayName,omitempty"`
	Type              *string           `json:"type,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty" since:"2021-09-07"`
	// Attachments are images that were uploaded before.
	Attachments []ChatAttachment `json:"attachments,omitempty" since:"2024-06-05-preview" until:"2024-06-05-preview"`
}

// SendChatMessageResult is the body of the 201 that answers it.
type SendChatMessageResult struct {
	ID *string `json:"id,omitempty"`
}

// UpdateChatMessageRequest is the merge patch of a message. In metadata, null
// takes a name away.
type UpdateChatMessageRequest struct {
	Content  *string            `json:"content,omitempty"`
	Metadata map[string]*string `json:"metadata,omitempty" since:"2021-09-07"`
	// Attachments replace those that the message has.
	Attachments *[]ChatAttachment `json:"attachments,omitempty" since:"2024-06-05-preview" until:"2024-06-05-preview"`
}

// ChatAttachment is a file of a message.
type ChatAttachment struct {
	ID             *string `json:"id,omitempty"`
	AttachmentType *string `json:"attachmentType,omitempty"`
	Name           *string `json:"name,omitempty"`
	URL            *string `json:"url,omitempty"`
	PreviewURL     *string `json:"previewUrl,omitempty"`
}

// ChatMessageContent is what a message says: text, or what a change of the
// thread was.
type ChatMessageContent struct {
	Message                          *string           `json:"message,omitempty"`
	Topic                            *string           `json:"topic,omitempty"`
	Participants                     []ChatParticipant `json:"participants,omitempty"`
	Attachments                      []ChatAttachment  `json:"attachments,omitzero" since:"2023-11-07"`
	InitiatorCommunicationIdentifier *IdentifierModel  `json:"initiatorCommunicationIdentifier,omitempty"`
}

// ChatMessage is a message.
type ChatMessage struct {
	ID                            *string             `json:"id,omitempty"`
	Type                          *string             `json:"type,omitempty"`
	SequenceID                    *string             `json:"sequenceId,omitempty"`
	Version                       *string             `json:"version,omitempty"`
	Content                       *ChatMessageContent `json:"content,omitempty"`
	SenderDisplayName             *string             `json:"senderDisplayName,omitempty"`
	CreatedOn                     *string             `json:"createdOn,omitempty"`
	SenderCommunicationIdentifier *IdentifierModel    `json:"senderCommunicationIdentifier,omitempty"`
	DeletedOn                     *string             `json:"deletedOn,omitempty"`
	EditedOn                      *string             `json:"editedOn,omitempty"`
	Metadata                      map[string]string   `json:"metadata,omitempty" since:"2021-09-07"`
	// PolicyViolation is never set by this service.
	PolicyViolation *ChatPolicyViolation `json:"policyViolation,omitempty" since:"2024-06-05-preview" until:"2024-06-05-preview"`
}

// ChatMessagesCollection is a page of messages.
type ChatMessagesCollection struct {
	Value    []ChatMessage `json:"value"`
	NextLink *string       `json:"nextLink,omitempty"`
}

// ChatParticipantsCollection is a page of participants.
type ChatParticipantsCollection struct {
	Value    []ChatParticipant `json:"value"`
	NextLink *string           `json:"nextLink,omitempty"`
}

// AddChatParticipantsRequest is the body that adds participants.
type AddChatParticipantsRequest struct {
	Participants []ChatParticipant `json:"participants"`
}

// AddChatParticipantsResult is the body of the 201 that answers it.
type AddChatParticipantsResult struct {
	InvalidParticipants []Error `json:"invalidParticipants,omitempty"`
}

// ChatMessageReadReceipt says up to where a member has read, and when.
type ChatMessageReadReceipt struct {
	SenderCommunicationIdentifier *IdentifierModel `json:"senderCommunicationIdentifier,omitempty"`
	ChatMessageID                 *string          `json:"chatMessageId,omitempty"`
	ReadOn                        *string          `json:"readOn,omitempty"`
}

// ChatMessageReadReceiptsCollection is a page of receipts.
type ChatMessageReadReceiptsCollection struct {
	Value    []ChatMessageReadReceipt `json:"value"`
	NextLink *string                  `json:"nextLink,omitempty"`
}

// SendReadReceiptRequest is the body that says what was read.
type SendReadReceiptRequest struct {
	ChatMessageID *string `json:"chatMessageId,omitempty"`
}

// SendTypingNotificationRequest is the body that says that somebody types; it
// may be absent.
type SendTypingNotificationRequest struct {
	SenderDisplayName *string `json:"senderDisplayName,omitempty" since:"2021-09-07"`
}

// UploadChatImageResult is the body of the 201 that answers an upload.
type UploadChatImageResult struct {
	ID             *string `json:"id,omitempty"`
	AttachmentType *string `json:"attachmentType,omitempty"`
	Name           *string `json:"name,omitempty"`
}

// ChatErrorResponse is the body of an error of the chat area up to 2024-03-07.
type ChatErrorResponse struct {
	CommunicationError ChatErrorDetail `json:"CommunicationError"`
}

// ChatErrorDetail is an error with the capital letters of the chat area.
type ChatErrorDetail struct {
	Code    string            `json:"Code"`
	Message string            `json:"Message"`
	Target  string            `json:"Target,omitempty"`
	Details []ChatErrorDetail `json:"Details"`
}
