package chat_test

import (
	"bytes"
	"errors"
	"image"
	_ "image/jpeg" // small images
	"image/png"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/core"
)

// TestService_Images: an image travels with a message, whatever version its
// readers speak, and nobody else gets it.
func TestService_Images(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	s := startService(t)
	alice, bob, stranger := s.person(""), s.person("2024-03-07"), s.person("")
	id, a, b := s.talk(alice, bob)
	ctx := t.Context()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 900, 700))); err != nil {
		t.Fatal(err)
	}
	uploaded, err := a.UploadImage(ctx, picture.Bytes(), &chat.ThreadClientUploadImageOptions{Filename: new("Menü 100%.png")})
	if err != nil || *uploaded.Type != chat.AttachmentTypeImage || *uploaded.Name != "Menü 100%.png" {
		t.Fatalf("%+v, %v", uploaded, err)
	}
	sent, err := a.SendMessage(ctx, "look", &chat.ThreadClientSendMessageOptions{Attachments: []chat.Attachment{uploaded.Attachment}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.GetMessage(ctx, *sent.ID, nil)
	if err != nil || len(got.Content.Attachments) != 1 || *got.Content.Attachments[0].ID != *uploaded.ID || !strings.HasPrefix(*got.Content.Attachments[0].URL, s.connection.Endpoint) {
		t.Fatalf("%+v, %v", got.Content, err)
	}
	for view, whole := range map[chat.ImageView]bool{chat.ImageViewOriginal: true, chat.ImageViewSmall: false} {
		shown, err := b.GetImage(ctx, *uploaded.ID, view, nil)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(shown.Body)
		if err := errors.Join(err, shown.Body.Close()); err != nil {
			t.Fatal(err)
		}
		size, _, err := image.DecodeConfig(bytes.NewReader(data))
		if err != nil || !strings.HasPrefix(shown.ContentType, "image/") || (size.Width == 900) != whole || bytes.Equal(data, picture.Bytes()) != whole {
			t.Errorf("%s: %s of %+v, %v", view, shown.ContentType, size, err)
		}
	}
	out := threadOf(t, stranger.Client, id)
	if _, err := out.GetImage(ctx, *uploaded.ID, chat.ImageViewOriginal, nil); !core.HasCode(err, chat.CodeForbidden) {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := out.UploadImage(ctx, picture.Bytes(), nil); !core.HasCode(err, chat.CodeForbidden) {
		t.Errorf("a stranger: %v", err)
	}
	var refused *core.ResponseError
	if _, err := a.UploadImage(ctx, []byte("<svg onload='alert(1)'/>"), nil); !errors.As(err, &refused) || refused.StatusCode >= 500 {
		t.Errorf("not an image: %v", err)
	}
	if _, err := b.DeleteImage(ctx, *uploaded.ID, nil); !core.HasCode(err, chat.CodeForbidden) {
		t.Errorf("somebody else deletes: %v", err)
	}
	if _, err := a.UpdateMessage(ctx, *sent.ID, &chat.ThreadClientUpdateMessageOptions{Attachments: []chat.Attachment{}}); err != nil {
		t.Error(err)
	}
	if got, err := b.GetMessage(ctx, *sent.ID, nil); err != nil || len(got.Content.Attachments) != 0 || *got.Content.Message != "look" {
		t.Errorf("%+v, %v", got.Content, err)
	}
	second, err := a.UploadImage(ctx, picture.Bytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.DeleteImage(ctx, *second.ID, nil); err != nil {
		t.Error(err)
	}
	if _, err := a.GetImage(ctx, *second.ID, chat.ImageViewOriginal, nil); !core.HasCode(err, chat.CodeNotFound) {
		t.Errorf("after its end: %v", err)
	}
}
