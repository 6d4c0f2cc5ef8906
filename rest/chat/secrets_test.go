package chat_test

import (
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/chat"
)

// No response shows a secret when it is printed or logged.
func TestResponsesHideSecrets(t *testing.T) {
	testkit.CheckResponsesHideSecrets(t,
		chat.ClientCreateThreadResponse{},
		chat.ClientDeleteThreadResponse{},
		chat.ClientListThreadsResponse{},
		chat.ThreadClientGetPropertiesResponse{},
		chat.ThreadClientUpdatePropertiesResponse{},
		chat.ThreadClientSendMessageResponse{},
		chat.ThreadClientGetMessageResponse{},
		chat.ThreadClientUpdateMessageResponse{},
		chat.ThreadClientDeleteMessageResponse{},
		chat.ThreadClientListMessagesResponse{},
		chat.ThreadClientListParticipantsResponse{},
		chat.ThreadClientAddParticipantsResponse{},
		chat.ThreadClientRemoveParticipantResponse{},
		chat.ThreadClientSendReadReceiptResponse{},
		chat.ThreadClientListReadReceiptsResponse{},
		chat.ThreadClientSendTypingNotificationResponse{},
		chat.ThreadClientUploadImageResponse{},
		chat.ThreadClientGetImageResponse{},
		chat.ThreadClientDeleteImageResponse{},
		chat.RealtimeSendMessageResponse{},
	)
}
