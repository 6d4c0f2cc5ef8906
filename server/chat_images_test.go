package server_test

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // the small view
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

const imagesVersion = "2024-06-05-preview"

// TestChatImages: an image is uploaded, sent, seen whole and small, by members
// only, and deleted by whoever uploaded it.
func TestChatImages(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		r := newREST(t, start(t, server.Options{Database: url}))
		alice, bob, mallory := newChatUser(r).at(imagesVersion), newChatUser(r).at(imagesVersion), newChatUser(r).at(imagesVersion)
		thread := alice.thread("pictures", bob)
		path := acswire.ChatThreadPath(thread)
		whole := picture(t, 700, 400)
		id := alice.upload(thread, `C:\tmp\caf%C3%A9.png`, whole)
		var sent acswire.SendChatMessageResult
		alice.want(http.StatusCreated, &sent, http.MethodPost, path+"/messages", fmt.Sprintf(`{"content":"look","attachments":[{"id":%q,"attachmentType":"image"}]}`, id))

		// The message shows it to readers of every version that has attachments.
		var m acswire.ChatMessage
		bob.at(chatVersion).want(http.StatusOK, &m, http.MethodGet, acswire.ChatMessagePath(thread, *sent.ID), "")
		if len(m.Content.Attachments) != 1 || *m.Content.Attachments[0].ID != id || *m.Content.Attachments[0].Name != "café.png" {
			t.Fatalf("%+v", m.Content.Attachments)
		}
		got := bob.follow(*m.Content.Attachments[0].URL)
		if got.StatusCode != http.StatusOK || !bytes.Equal(got.body, whole) || got.Header.Get("Content-Type") != "image/png" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("whole: %d %v, %d bytes of %d", got.StatusCode, got.Header, len(got.body), len(whole))
		}
		got = bob.follow(*m.Content.Attachments[0].PreviewURL)
		small, kind, err := image.Decode(bytes.NewReader(got.body))
		if err != nil || small.Bounds().Dx() != 320 || small.Bounds().Dy() != 182 || "image/"+kind != got.Header.Get("Content-Type") {
			t.Errorf("small: %d %v %v", got.StatusCode, got.Header, err)
		}

		view := path + "/images/" + id + "/view/original"
		mallory.want(http.StatusForbidden, nil, http.MethodGet, view, "")
		mallory.want(http.StatusForbidden, nil, http.MethodPost, path+"/images", string(whole), "Content-Type", "application/octet-stream")
		bob.want(http.StatusForbidden, nil, http.MethodDelete, path+"/images/"+id, "")
		bob.want(http.StatusNotFound, nil, http.MethodGet, path+"/images/"+id+"0/view/original", "")
		bob.want(http.StatusBadRequest, nil, http.MethodGet, path+"/images/"+id+"/view/huge", "")
		// An image of one thread is none of another.
		second := alice.thread("others", bob)
		alice.want(http.StatusNotFound, nil, http.MethodGet, acswire.ChatThreadPath(second)+"/images/"+id+"/view/original", "")
		alice.want(http.StatusBadRequest, nil, http.MethodPost, acswire.ChatThreadPath(second)+"/messages", fmt.Sprintf(`{"content":"x","attachments":[{"id":%q}]}`, id))

		alice.want(http.StatusNoContent, nil, http.MethodDelete, path+"/images/"+id, "")
		alice.want(http.StatusNotFound, nil, http.MethodDelete, path+"/images/"+id, "")
		bob.want(http.StatusNotFound, nil, http.MethodGet, view, "")
	})
}

// TestChatImages_WithoutWords: attachments alone are a message; they are replaced
// and taken back with it.
func TestChatImages_WithoutWords(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	alice := newChatUser(newREST(t, start(t, server.Options{}))).at(imagesVersion)
	thread := alice.thread("pictures")
	path := acswire.ChatThreadPath(thread)
	first, second := alice.upload(thread, "a.png", picture(t, 9, 9)), alice.upload(thread, "b.png", picture(t, 9, 9))
	var sent acswire.SendChatMessageResult
	alice.want(http.StatusCreated, &sent, http.MethodPost, path+"/messages", fmt.Sprintf(`{"content":"","attachments":[{"id":%q}]}`, first))
	message := acswire.ChatMessagePath(thread, *sent.ID)
	var m acswire.ChatMessage
	alice.want(http.StatusNoContent, nil, http.MethodPatch, message, fmt.Sprintf(`{"attachments":[{"id":%q}]}`, second))
	alice.want(http.StatusOK, &m, http.MethodGet, message, "")
	if len(m.Content.Attachments) != 1 || *m.Content.Attachments[0].ID != second {
		t.Errorf("%+v", m.Content.Attachments)
	}
	alice.want(http.StatusBadRequest, nil, http.MethodPatch, message, `{"attachments":[]}`) // nothing would be left
	alice.want(http.StatusNoContent, nil, http.MethodPatch, message, `{"content":"words","attachments":null}`)
	alice.want(http.StatusNoContent, nil, http.MethodPatch, message, fmt.Sprintf(`{"attachments":[{"id":%q}]}`, second))
	alice.want(http.StatusNoContent, nil, http.MethodDelete, message, "")
	alice.want(http.StatusNotFound, nil, http.MethodGet, path+"/images/"+second+"/view/small", "")
	alice.want(http.StatusOK, nil, http.MethodGet, path+"/images/"+first+"/view/small", "") // nobody deleted it
	alice.want(http.StatusNoContent, nil, http.MethodDelete, path, "")
	alice.want(http.StatusNotFound, nil, http.MethodGet, path+"/images/"+first+"/view/small", "")
}

// TestChatImages_Refused: what is no picture, too large or too much.
func TestChatImages_Refused(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	alice := newChatUser(newREST(t, start(t, server.Options{}))).at(imagesVersion)
	thread := alice.thread("pictures")
	path := acswire.ChatThreadPath(thread)
	upload := func(data string, header ...string) *answer {
		return alice.call(http.MethodPost, path+"/images", data, append([]string{"Content-Type", "application/octet-stream"}, header...)...)
	}
	for name, data := range map[string]string{
		"nothing": "", "text": "no picture at all, by no means", "svg": `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
		"html": "<!DOCTYPE html><script>alert(1)</script>", "short": "\x89PNG", "riff": "RIFF\x00\x00\x00\x00WAVEfmt ", "mp4": "\x00\x00\x00\x18ftypisom\x00\x00\x02\x00",
	} {
		if a := upload(data); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	if a := upload(string(picture(t, 2, 2)), acswire.HeaderImageFilename, strings.Repeat("n", 300)); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("long name: %d", a.StatusCode)
	}
	if a := upload(string(picture(t, 2, 2)), "Content-Type", "text/html"); a.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("type: %d", a.StatusCode)
	}
	// A picture that claims to be enormous is kept as it is, not unpacked.
	bomb := picture(t, 4, 4)
	copy(bomb[16:24], []byte{0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff})
	id := alice.upload(thread, "bomb.png", bomb)
	if a := alice.call(http.MethodGet, path+"/images/"+id+"/view/small", ""); !bytes.Equal(a.body, bomb) {
		t.Errorf("bomb: %d, %d bytes", a.StatusCode, len(a.body))
	}
	eleven := make([]string, 11)
	for i := range eleven {
		eleven[i] = fmt.Sprintf(`{"id":%q}`, id)
	}
	for name, list := range map[string]string{
		"eleven": strings.Join(eleven, ","), "file": fmt.Sprintf(`{"id":%q,"attachmentType":"file"}`, id), "unknown": `{"id":"0-parley-x"}`, "none": `{}`,
		"coming": `{"id":""}`,
	} {
		if a := alice.call(http.MethodPost, path+"/messages", `{"content":"x","attachments":[`+list+`]}`); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
}

// TestChatImages_Large: as large as may be, and one byte more.
func TestChatImages_Large(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	alice := newChatUser(newREST(t, start(t, server.Options{}))).at(imagesVersion)
	thread := alice.thread("pictures")
	path := acswire.ChatThreadPath(thread)
	data := make([]byte, acswire.MaxChatImage)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(data)
	copy(data, "\x00\x00\x00\x18ftypheic") // nobody here can unpack it
	id := alice.upload(thread, "large.heic", data)
	for _, view := range []string{"original", "small"} {
		a := alice.call(http.MethodGet, path+"/images/"+id+"/view/"+view, "")
		if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "image/heic" || !bytes.Equal(a.body, data) {
			t.Errorf("%s: %d %v, %d bytes", view, a.StatusCode, a.Header, len(a.body))
		}
	}
	a := alice.call(http.MethodPost, path+"/images", string(data)+"x", "Content-Type", "application/octet-stream")
	if a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("one byte more: %d", a.StatusCode)
	}
}
