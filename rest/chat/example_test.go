package chat_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/chat/fake"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	corefake "github.com/parley-rtc/parley/rest/core/fake"
)

const (
	exampleEndpoint = "https://contoso.communication.azure.com"
	exampleThread   = "19:lunch@thread.v2"
	exampleMessage  = "1795219374914"
)

var (
	exampleTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	alice       = common.CommunicationUserIdentifier{ID: "8:acs:resource_alice"}
	bob         = common.CommunicationUserIdentifier{ID: "8:acs:resource_bob"}
)

// exampleCredential stands for common.NewUserTokenCredential and the like.
type exampleCredential struct{}

func (exampleCredential) GetToken(context.Context) (common.AccessToken, error) {
	return common.AccessToken{Token: "eyJ…"}, nil
}

// exampleServer is what the examples talk to instead of a service.
func exampleServer() *fake.Server {
	thread := chat.Thread{ID: new(exampleThread), Topic: new("Lunch"), CreatedOn: &exampleTime, CreatedBy: alice}
	message := chat.Message{
		ID: new(exampleMessage), Type: new(chat.MessageTypeText), SequenceID: new("3"), CreatedOn: &exampleTime, Sender: alice,
		Content: &chat.MessageContent{Message: new("Are you hungry?")},
	}
	return &fake.Server{
		CreateThread: func(context.Context, string, *chat.ClientCreateThreadOptions) (chat.ClientCreateThreadResponse, error) {
			return chat.ClientCreateThreadResponse{Thread: &thread, InvalidParticipants: []chat.InvalidParticipant{
				{Target: new("8:acs:resource_nobody"), Code: new("404"), Message: new("Not found")},
			}}, nil
		},
		DeleteThread: func(context.Context, string, *chat.ClientDeleteThreadOptions) (chat.ClientDeleteThreadResponse, error) {
			return chat.ClientDeleteThreadResponse{}, nil
		},
		NewListThreadsPager: func(*chat.ClientListThreadsOptions) corefake.Pages[chat.ClientListThreadsResponse] {
			return corefake.Pages[chat.ClientListThreadsResponse]{Pages: []chat.ClientListThreadsResponse{
				{Value: []chat.ThreadItem{{ID: thread.ID, Topic: thread.Topic}}}, {Value: []chat.ThreadItem{{ID: new("19:dinner@thread.v2"), Topic: new("Dinner")}}},
			}}
		},
		GetProperties: func(context.Context, string, *chat.ThreadClientGetPropertiesOptions) (chat.ThreadClientGetPropertiesResponse, error) {
			return chat.ThreadClientGetPropertiesResponse{Thread: thread}, nil
		},
		UpdateProperties: func(_ context.Context, _ string, o *chat.ThreadClientUpdatePropertiesOptions) (chat.ThreadClientUpdatePropertiesResponse, error) {
			thread.Topic = o.Topic
			return chat.ThreadClientUpdatePropertiesResponse{}, nil
		},
		SendMessage: func(context.Context, string, string, *chat.ThreadClientSendMessageOptions) (chat.ThreadClientSendMessageResponse, error) {
			return chat.ThreadClientSendMessageResponse{ID: message.ID}, nil
		},
		GetMessage: func(context.Context, string, string, *chat.ThreadClientGetMessageOptions) (chat.ThreadClientGetMessageResponse, error) {
			return chat.ThreadClientGetMessageResponse{Message: message}, nil
		},
		UpdateMessage: func(context.Context, string, string, *chat.ThreadClientUpdateMessageOptions) (chat.ThreadClientUpdateMessageResponse, error) {
			return chat.ThreadClientUpdateMessageResponse{}, &core.ResponseError{StatusCode: 403, ErrorCode: chat.CodeForbidden}
		},
		DeleteMessage: func(context.Context, string, string, *chat.ThreadClientDeleteMessageOptions) (chat.ThreadClientDeleteMessageResponse, error) {
			return chat.ThreadClientDeleteMessageResponse{}, nil
		},
		NewListMessagesPager: func(string, *chat.ThreadClientListMessagesOptions) corefake.Pages[chat.ThreadClientListMessagesResponse] {
			return corefake.Pages[chat.ThreadClientListMessagesResponse]{Pages: []chat.ThreadClientListMessagesResponse{{Value: []chat.Message{message, {
				ID: new("1795219370000"), Type: new(chat.MessageTypeTopicUpdated), Content: &chat.MessageContent{Topic: new("Lunch"), Initiator: alice},
			}}}}}
		},
		NewListParticipantsPager: func(string, *chat.ThreadClientListParticipantsOptions) corefake.Pages[chat.ThreadClientListParticipantsResponse] {
			return corefake.Pages[chat.ThreadClientListParticipantsResponse]{Pages: []chat.ThreadClientListParticipantsResponse{
				{Value: []chat.Participant{{Identifier: alice, DisplayName: new("Alice")}, {Identifier: bob, DisplayName: new("Bob")}}},
			}}
		},
		AddParticipants: func(context.Context, string, []chat.Participant, *chat.ThreadClientAddParticipantsOptions) (chat.ThreadClientAddParticipantsResponse, error) {
			return chat.ThreadClientAddParticipantsResponse{}, nil
		},
		RemoveParticipant: func(context.Context, string, common.Identifier, *chat.ThreadClientRemoveParticipantOptions) (chat.ThreadClientRemoveParticipantResponse, error) {
			return chat.ThreadClientRemoveParticipantResponse{}, nil
		},
		SendReadReceipt: func(context.Context, string, string, *chat.ThreadClientSendReadReceiptOptions) (chat.ThreadClientSendReadReceiptResponse, error) {
			return chat.ThreadClientSendReadReceiptResponse{}, nil
		},
		NewListReadReceiptsPager: func(string, *chat.ThreadClientListReadReceiptsOptions) corefake.Pages[chat.ThreadClientListReadReceiptsResponse] {
			return corefake.Pages[chat.ThreadClientListReadReceiptsResponse]{Pages: []chat.ThreadClientListReadReceiptsResponse{
				{Value: []chat.ReadReceipt{{Sender: bob, MessageID: message.ID, ReadOn: &exampleTime}}},
			}}
		},
		SendTypingNotification: func(context.Context, string, *chat.ThreadClientSendTypingNotificationOptions) (chat.ThreadClientSendTypingNotificationResponse, error) {
			return chat.ThreadClientSendTypingNotificationResponse{}, nil
		},
		UploadImage: func(_ context.Context, _ string, _ []byte, o *chat.ThreadClientUploadImageOptions) (chat.ThreadClientUploadImageResponse, error) {
			return chat.ThreadClientUploadImageResponse{Attachment: chat.Attachment{ID: new("0-image"), Type: new(chat.AttachmentTypeImage), Name: o.Filename}}, nil
		},
		GetImage: func(context.Context, string, string, chat.ImageView, *chat.ThreadClientGetImageOptions) (chat.ThreadClientGetImageResponse, error) {
			return chat.ThreadClientGetImageResponse{Body: io.NopCloser(strings.NewReader("PNG…")), ContentType: "image/png"}, nil
		},
		DeleteImage: func(context.Context, string, string, *chat.ThreadClientDeleteImageOptions) (chat.ThreadClientDeleteImageResponse, error) {
			return chat.ThreadClientDeleteImageResponse{}, nil
		},
	}
}

// exampleClient talks to a fake of the service; a program passes nil options.
func exampleClient() *chat.Client {
	client, err := chat.NewClient(exampleEndpoint, exampleCredential{}, &chat.ClientOptions{
		ClientOptions: core.ClientOptions{Transport: exampleServer()},
	})
	if err != nil {
		fmt.Println(err)
	}
	return client
}

func exampleThreadClient() *chat.ThreadClient {
	thread, err := exampleClient().NewThreadClient(exampleThread)
	if err != nil {
		fmt.Println(err)
	}
	return thread
}

func ExampleNewClient() {
	// A device asks its back end for tokens, see common.NewUserTokenCredential.
	client, err := chat.NewClient(exampleEndpoint, exampleCredential{}, nil)
	fmt.Println(client != nil, err)
	// Output: true <nil>
}

func ExampleClient_CreateThread() {
	made, err := exampleClient().CreateThread(context.Background(), "Lunch", &chat.ClientCreateThreadOptions{
		Participants: []chat.Participant{
			{Identifier: bob, DisplayName: new("Bob")},
			{Identifier: common.CommunicationUserIdentifier{ID: "8:acs:resource_nobody"}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*made.Thread.ID)
	for _, one := range made.InvalidParticipants {
		fmt.Println(*one.Target, *one.Code)
	}
	// Output:
	// 19:lunch@thread.v2
	// 8:acs:resource_nobody 404
}

func ExampleDeleteAfterDays() {
	_, err := exampleClient().CreateThread(context.Background(), "Lunch", &chat.ClientCreateThreadOptions{
		RetentionPolicy: chat.DeleteAfterDays(90),
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_DeleteThread() {
	_, err := exampleClient().DeleteThread(context.Background(), exampleThread, nil)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_NewListThreadsPager() {
	pager := exampleClient().NewListThreadsPager(nil)
	for page, err := range pager.Pages(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, thread := range page.Value {
			fmt.Println(*thread.Topic)
		}
	}
	// Output:
	// Lunch
	// Dinner
}

func ExampleClient_NewThreadClient() {
	thread, err := exampleClient().NewThreadClient(exampleThread)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(thread.ID())
	// Output: 19:lunch@thread.v2
}

func ExamplePossibleMessageTypeValues() {
	fmt.Println(chat.PossibleMessageTypeValues())
	fmt.Println(chat.PossibleAttachmentTypeValues(), chat.PossibleRetentionPolicyKindValues(), chat.PossibleImageViewValues())
	// Output:
	// [text html topicUpdated participantAdded participantRemoved]
	// [image file] [threadCreationDate none] [original small]
}
