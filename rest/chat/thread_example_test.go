package chat_test

import (
	"context"
	"fmt"
	"io"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/core"
)

func ExampleThreadClient_GetProperties() {
	thread, err := exampleThreadClient().GetProperties(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*thread.Topic, thread.CreatedBy.RawID())
	// Output: Lunch 8:acs:resource_alice
}

func ExampleThreadClient_UpdateProperties() {
	thread := exampleThreadClient()
	_, err := thread.UpdateProperties(context.Background(), &chat.ThreadClientUpdatePropertiesOptions{
		Topic:    new("Late lunch"),
		Metadata: map[string]*string{"place": new("canteen"), "color": nil}, // "color" goes away
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := thread.GetProperties(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*got.Topic)
	// Output: Late lunch
}

func ExampleThreadClient_SendMessage() {
	sent, err := exampleThreadClient().SendMessage(context.Background(), "<b>Hungry?</b>", &chat.ThreadClientSendMessageOptions{
		Type: new(chat.MessageTypeHTML), SenderDisplayName: new("Alice"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*sent.ID)
	// Output: 1795219374914
}

func ExampleThreadClient_GetMessage() {
	message, err := exampleThreadClient().GetMessage(context.Background(), exampleMessage, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*message.Content.Message)
	// Output: Are you hungry?
}

func ExampleThreadClient_UpdateMessage() {
	_, err := exampleThreadClient().UpdateMessage(context.Background(), exampleMessage, &chat.ThreadClientUpdateMessageOptions{
		Content: new("Is anybody hungry?"),
	})
	if core.HasCode(err, chat.CodeForbidden) {
		fmt.Println("somebody else wrote it")
	}
	// Output: somebody else wrote it
}

func ExampleThreadClient_DeleteMessage() {
	_, err := exampleThreadClient().DeleteMessage(context.Background(), exampleMessage, nil)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleThreadClient_NewListMessagesPager() {
	pager := exampleThreadClient().NewListMessagesPager(&chat.ThreadClientListMessagesOptions{StartTime: &exampleTime})
	for page, err := range pager.Pages(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, message := range page.Value {
			switch *message.Type {
			case chat.MessageTypeText, chat.MessageTypeHTML:
				fmt.Println(message.Sender.RawID(), "wrote:", *message.Content.Message)
			case chat.MessageTypeTopicUpdated:
				fmt.Println(message.Content.Initiator.RawID(), "changed the topic:", *message.Content.Topic)
			case chat.MessageTypeParticipantAdded, chat.MessageTypeParticipantRemoved:
				fmt.Println(len(message.Content.Participants), "came or went")
			}
		}
	}
	// Output:
	// 8:acs:resource_alice wrote: Are you hungry?
	// 8:acs:resource_alice changed the topic: Lunch
}

func ExampleThreadClient_NewListParticipantsPager() {
	pager := exampleThreadClient().NewListParticipantsPager(nil)
	for page, err := range pager.Pages(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, participant := range page.Value {
			fmt.Println(participant.Identifier.RawID(), *participant.DisplayName)
		}
	}
	// Output:
	// 8:acs:resource_alice Alice
	// 8:acs:resource_bob Bob
}

func ExampleThreadClient_AddParticipants() {
	result, err := exampleThreadClient().AddParticipants(context.Background(), []chat.Participant{
		{Identifier: bob, DisplayName: new("Bob"), ShareHistoryTime: &exampleTime},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(result.InvalidParticipants), "were not added")
	// Output: 0 were not added
}

func ExampleThreadClient_RemoveParticipant() {
	_, err := exampleThreadClient().RemoveParticipant(context.Background(), bob, nil)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleThreadClient_SendReadReceipt() {
	_, err := exampleThreadClient().SendReadReceipt(context.Background(), exampleMessage, nil)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleThreadClient_NewListReadReceiptsPager() {
	pager := exampleThreadClient().NewListReadReceiptsPager(nil)
	for page, err := range pager.Pages(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, receipt := range page.Value {
			fmt.Println(receipt.Sender.RawID(), "has read up to", *receipt.MessageID)
		}
	}
	// Output: 8:acs:resource_bob has read up to 1795219374914
}

func ExampleThreadClient_SendTypingNotification() {
	_, err := exampleThreadClient().SendTypingNotification(context.Background(), &chat.ThreadClientSendTypingNotificationOptions{
		SenderDisplayName: new("Alice"),
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleThreadClient_UploadImage() {
	thread := exampleThreadClient()
	image, err := thread.UploadImage(context.Background(), []byte("\x89PNG…"), &chat.ThreadClientUploadImageOptions{
		Filename: new("menu.png"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*image.ID, *image.Name)
	sent, err := thread.SendMessage(context.Background(), "Today's menu", &chat.ThreadClientSendMessageOptions{
		Attachments: []chat.Attachment{image.Attachment},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*sent.ID)
	// Output:
	// 0-image menu.png
	// 1795219374914
}

func ExampleThreadClient_GetImage() {
	image, err := exampleThreadClient().GetImage(context.Background(), "0-image", chat.ImageViewSmall, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := io.ReadAll(image.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := image.Body.Close(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(image.ContentType, len(data) > 0)
	// Output: image/png true
}

func ExampleThreadClient_DeleteImage() {
	_, err := exampleThreadClient().DeleteImage(context.Background(), "0-image", nil)
	fmt.Println(err)
	// Output: <nil>
}
