package fake_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/chat/fake"
	"github.com/parley-rtc/parley/rest/common"
)

// A test of an application that counts what is unread.
func ExampleRealtime() {
	service, err := fake.NewRealtime(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer service.Close()
	credential, err := common.NewStaticTokenCredential("e30.eyJleHAiOjQxMDI0NDQ4MDB9.e30")
	if err != nil {
		fmt.Println(err)
		return
	}
	changed := make(chan chat.ThreadState, 10)
	app, err := chat.NewRealtime("https://fake", credential, &chat.RealtimeOptions{
		Dialer: service.Dialer(),
		Events: chat.RealtimeEvents{ThreadChanged: func(s chat.ThreadState) { changed <- s }},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer app.Close()
	if err := service.AddThread(chat.ThreadState{ThreadID: "19:lunch@thread.v2", Topic: "Lunch"}); err != nil {
		fmt.Println(err)
		return
	}
	if err := app.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := service.MessageReceived(chat.MessageEvent{ThreadID: "19:lunch@thread.v2"}); err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		s := <-changed
		fmt.Println(s.Topic, s.Unread)
	}
	// Output:
	// Lunch 0
	// Lunch 1
}

// The life of a thread, as an application hears of it, across a loss of the
// connection.
func ExampleRealtime_SetOffline() {
	service, err := fake.NewRealtime(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := service.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	credential, err := common.NewStaticTokenCredential("e30.eyJleHAiOjQxMDI0NDQ4MDB9.e30")
	if err != nil {
		fmt.Println(err)
		return
	}
	heard := make(chan string, 20)
	app, err := chat.NewRealtime("https://fake", credential, &chat.RealtimeOptions{
		Dialer: service.Dialer(),
		Events: chat.RealtimeEvents{
			ThreadCreated:       func(chat.ThreadEvent) { heard <- "thread created" },
			ThreadUpdated:       func(e chat.ThreadEvent) { heard <- "topic " + *e.Thread.Topic },
			ThreadDeleted:       func(chat.ThreadEvent) { heard <- "thread deleted" },
			ParticipantsAdded:   func(e chat.ParticipantsEvent) { heard <- fmt.Sprint("joined: ", len(e.Participants)) },
			ParticipantsRemoved: func(e chat.ParticipantsEvent) { heard <- fmt.Sprint("left: ", len(e.Participants)) },
			MessageReceived:     func(chat.MessageEvent) { heard <- "message" },
			MessageEdited:       func(chat.MessageEvent) { heard <- "message edited" },
			MessageDeleted:      func(chat.MessageEvent) { heard <- "message deleted" },
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer app.Close()
	const lunch = "19:lunch@thread.v2"
	topic, bob := "Lunch", common.CommunicationUserIdentifier{ID: "8:acs:11111111-1111-1111-1111-111111111111_bob"}
	who := []chat.Participant{{Identifier: bob}}
	if err := errors.Join(app.Start(context.Background()), service.ThreadCreated(chat.ThreadEvent{Thread: chat.Thread{ID: new(lunch), Topic: &topic}})); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-heard)
	service.SetOffline(true) // a tunnel: what happens in it is told after it
	id, err := service.MessageReceived(chat.MessageEvent{ThreadID: lunch})
	message := chat.MessageEvent{ThreadID: lunch, Message: chat.Message{ID: &id}}
	topic = "Dinner"
	err = errors.Join(err, service.MessageEdited(message), service.MessageDeleted(message),
		service.ParticipantsAdded(chat.ParticipantsEvent{ThreadID: lunch, Participants: who, By: service.User()}),
		service.ParticipantsRemoved(chat.ParticipantsEvent{ThreadID: lunch, Participants: who}),
		service.ThreadUpdated(chat.ThreadEvent{Thread: chat.Thread{ID: new(lunch), Topic: &topic}}),
		service.ReadReceiptReceived(chat.ReadReceiptEvent{ThreadID: lunch, Receipt: chat.ReadReceipt{Sender: service.User(), MessageID: &id}}),
		service.TypingReceived(chat.TypingEvent{ThreadID: lunch, Sender: bob}), // nobody is told of it later
		service.ThreadDeleted(chat.ThreadEvent{Thread: chat.Thread{ID: new(lunch)}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	service.SetOffline(false)
	for range 7 {
		fmt.Println(<-heard)
	}
	// Output:
	// thread created
	// message
	// message edited
	// message deleted
	// joined: 1
	// left: 1
	// topic Dinner
	// thread deleted
}
