package chat_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/store"
)

// picture is a PNG.
func picture(t testing.TB, width, height int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewNRGBA(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// stored counts images and their parts.
func (w *world) stored() (images, parts int) {
	w.t.Helper()
	err := w.store.Read(w.ctx, func(q store.Querier) error {
		if err := q.QueryRow("SELECT count(*) FROM chat_images").Scan(&images); err != nil {
			return err
		}
		return q.QueryRow("SELECT count(*) FROM chat_image_parts").Scan(&parts)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return images, parts
}

func (w *world) upload(c *chat.Caller, thread string, data []byte) chat.Image {
	w.t.Helper()
	made, err := w.chat.AddImage(w.ctx, c, thread, "a.png", bytes.NewReader(data))
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// TestImages_LeaveNothing: whatever ends an image ends its bytes.
func TestImages_LeaveNothing(t *testing.T) {
	w := newWorld(t, everybody{})
	alice, bob := user(), user()
	for name, end := range map[string]func(thread string, made chat.Image) error{
		"image":   func(thread string, made chat.Image) error { return w.chat.DeleteImage(w.ctx, alice, thread, made.ID) },
		"thread":  func(thread string, _ chat.Image) error { return w.chat.DeleteThread(w.ctx, alice, thread) },
		"message": func(thread string, made chat.Image) error { return w.sendAndDelete(alice, thread, made.ID) },
		"user": func(string, chat.Image) error {
			_, err := w.chat.Erase(w.ctx, resource, chat.Erasure{User: alice.User})
			return err
		},
		"operator": func(thread string, made chat.Image) error {
			m, _, err := w.chat.Send(w.ctx, alice, thread, attached(made.ID))
			if err == nil {
				_, err = w.chat.Erase(w.ctx, resource, chat.Erasure{Thread: thread, Message: m.ID})
			}
			return err
		},
		"resource": func(string, chat.Image) error { return w.chat.EraseResource(w.ctx, resource) },
	} {
		t.Run(name, func(t *testing.T) {
			thread := w.thread(alice, bob)
			made := w.upload(alice, thread.ID, picture(t, 640, 480))
			if images, parts := w.stored(); images != 1 || parts != 2 {
				t.Fatalf("%d images, %d parts", images, parts)
			}
			if err := end(thread.ID, made); err != nil {
				t.Fatal(err)
			}
			if _, err := w.chat.Image(w.ctx, bob, thread.ID, made.ID, chat.ImageOriginal); err == nil {
				t.Error("it is there still")
			}
			if err := w.chat.Sweep(w.ctx); err != nil {
				t.Fatal(err)
			}
			if images, parts := w.stored(); images != 0 || parts != 0 {
				t.Errorf("%d images, %d parts are left", images, parts)
			}
		})
	}
}

func attached(id string) chat.NewMessage {
	return chat.NewMessage{Kind: chat.MessageText, Attachments: []chat.Attachment{{ID: id}}}
}

func (w *world) sendAndDelete(c *chat.Caller, thread, id string) error {
	m, _, err := w.chat.Send(w.ctx, c, thread, attached(id))
	if err != nil {
		return err
	}
	return w.chat.DeleteMessage(w.ctx, c, thread, m.ID)
}

// broken fails after some bytes, as a disk may.
type broken struct {
	*bytes.Reader
	left int
}

var errBroken = errors.New("broken")

func (b *broken) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBroken
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// TestImages_BrokenUpload: what never became complete is shown to nobody, and
// removed after an hour.
func TestImages_BrokenUpload(t *testing.T) {
	w := newWorld(t, everybody{})
	alice := user()
	thread := w.thread(alice, user())
	data := append(picture(t, 8, 8), make([]byte, 1<<20)...)
	if _, err := w.chat.AddImage(w.ctx, alice, thread.ID, "a.png", &broken{bytes.NewReader(data), 600 << 10}); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	for _, left := range []int{1, 0} {
		if err := w.chat.Sweep(w.ctx); err != nil {
			t.Fatal(err)
		}
		if images, parts := w.stored(); images != left || (parts > 0) != (left > 0) {
			t.Errorf("%d images, %d parts, want %d", images, parts, left)
		}
		w.clock.move(2 * time.Hour)
	}
}

// TestImages_RemovedWhileRead: a reader ends with an error, not with less.
func TestImages_RemovedWhileRead(t *testing.T) {
	w := newWorld(t, everybody{})
	alice := user()
	thread := w.thread(alice, user())
	data := append(picture(t, 8, 8), make([]byte, 1<<20)...)
	made := w.upload(alice, thread.ID, data)
	got, err := w.chat.Image(w.ctx, alice, thread.ID, made.ID, chat.ImageSmall)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(got.Open(context.Background()))
	if err != nil || !bytes.Equal(whole, data) {
		t.Fatalf("%d bytes, %v", len(whole), err)
	}
	reader := got.Open(context.Background())
	if _, err := io.ReadFull(reader, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.chat.DeleteImage(w.ctx, alice, thread.ID, made.ID), w.chat.Sweep(w.ctx)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(reader); err == nil {
		t.Error("half an image without an error")
	}
}

// TestWebP: pictures with and without loss, of ffmpeg, get a small view; one
// that is broken, or an animation, is answered whole.
func TestWebP(t *testing.T) {
	read := func(name string) []byte {
		t.Helper()
		data, err := os.ReadFile("testdata/webp/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	lossy := read("lossy.webp")
	for name, c := range map[string]struct {
		data []byte
		kind string
	}{
		"lossy, 640 by 400":            {lossy, "image/jpeg"},
		"half transparent, 500 by 300": {read("alpha.webp"), "image/png"},
		"cut":                          {lossy[:len(lossy)/2], ""},
		"a frame larger than the picture": {slices.Concat(
			[]byte("RIFF\x30\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x8f\x01\x00\x8f\x01\x00VP8L\x12\x00\x00\x00"),
			[]byte("\x2f\xff\xff\xff\x0f"), make([]byte, 13),
		), ""},
		"animation":             {[]byte("RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x7f\x02\x00\x8f\x01\x00ANIM\x06\x00\x00\x00"), ""},
		"larger than it may be": {[]byte("RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\x00"), ""},
	} {
		kind, size, err := chat.Scaled(bytes.NewReader(c.data))
		if err != nil || kind != c.kind || (size > 0) != (c.kind != "") {
			t.Errorf("%s: %q, %d bytes, %v", name, kind, size, err)
		}
	}
}

func FuzzScaled(f *testing.F) {
	for _, name := range []string{"lossy.webp", "alpha.webp"} {
		data, err := os.ReadFile("testdata/webp/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(picture(f, 400, 3))
	f.Add([]byte("GIF89a\x90\x01\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"))
	f.Add([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPVP8 "))
	f.Add([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, size, err := chat.Scaled(bytes.NewReader(data))
		if err == nil && (kind == "") != (size == 0) {
			t.Errorf("%q, %d bytes", kind, size)
		}
	})
}
