package chat_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
)

// A program that hears messages and answers, and goes on where it stopped.
func ExampleRealtime() {
	credential, err := common.NewStaticTokenCredential("<user access token>")
	if err != nil {
		slog.Error("credential", "error", err)
		return
	}
	var stored chat.Position // from the last run
	realtime, err := chat.NewRealtime("https://contoso.communication.azure.com", credential, &chat.RealtimeOptions{
		Position: stored,
		Events: chat.RealtimeEvents{
			MessageReceived: func(e chat.MessageEvent) {
				fmt.Println(e.ThreadID, *e.Message.Content.Message)
			},
			ThreadChanged: func(s chat.ThreadState) { fmt.Println(s.Topic, "has", s.Unread, "unread messages") },
		},
	})
	if err != nil {
		slog.Error("realtime", "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := realtime.Start(ctx); err != nil {
		slog.Error("start", "error", err)
		return
	}
	for _, thread := range realtime.Threads() {
		sent, err := realtime.SendMessage(ctx, thread.ThreadID, "I am here.", nil)
		if err != nil {
			slog.Error("send", "error", err)
			return
		}
		if err := realtime.SendReadReceipt(ctx, thread.ThreadID, sent.ID); err != nil {
			slog.Error("read", "error", err)
			return
		}
	}
	if err := realtime.Shutdown(ctx); err != nil {
		slog.Error("shutdown", "error", err)
		return
	}
	fmt.Println("to be stored:", realtime.Position())
}

// A message is written over the connection and edited over REST; the events of
// both come to everybody in the thread.
func ExampleRealtime_threadClient() {
	var realtime *chat.Realtime // started
	var client *chat.Client     // of the same user
	const threadID = "19:…@thread.v2"
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sent, err := realtime.SendMessage(ctx, threadID, "See you at nein", nil)
	if err != nil {
		slog.Error("send", "error", err)
		return
	}
	thread, err := client.NewThreadClient(threadID)
	if err != nil {
		slog.Error("thread", "error", err)
		return
	}
	if _, err := thread.UpdateMessage(ctx, sent.ID, &chat.ThreadClientUpdateMessageOptions{Content: new("See you at nine")}); err != nil {
		slog.Error("edit", "error", err)
	}
}

// Messages that are written while there is no network, and sent once there is,
// also by the next run of the program.
func ExampleOutbox() {
	var realtime *chat.Realtime // started
	store, err := chat.NewFileOutboxStore("outbox.jsonl")
	if err != nil {
		slog.Error("store", "error", err)
		return
	}
	outbox, err := chat.NewOutbox(chat.OutboxOptions{
		Store: store, Sender: realtime,
		Sent:   func(s chat.OutboxSent) { fmt.Println("sent", s.MessageID) },
		Failed: func(f chat.OutboxFailed) { fmt.Println("not sent:", f.Err) },
	})
	if err != nil {
		slog.Error("outbox", "error", err)
		return
	}
	if _, err := outbox.Add(chat.OutboxMessage{ThreadID: "19:…@thread.v2", Content: "On the train"}); err != nil {
		slog.Error("add", "error", err)
	}
	if err := outbox.Close(); err != nil {
		slog.Error("close", "error", err)
	}
}
