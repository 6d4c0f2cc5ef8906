package chat

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

const (
	// MaxImage is the largest image in bytes. ACS publishes no figure; this is
	// ours.
	MaxImage = 20 << 20
	// MaxAttachments is how many a message may have; ours too.
	MaxAttachments = 10
	// imagePart is how much of an image one row holds.
	imagePart = 256 << 10
	// uploadLimit is after how long an image that never became complete is
	// removed.
	uploadLimit = time.Hour
	imagePrefix = "0-parley-"
)

// ImageView is a size of an image. The numbers are in the database.
type ImageView int64

// Sizes of images.
const (
	ImageOriginal ImageView = 1
	ImageSmall    ImageView = 2
)

// States of an image, as the database has them.
const (
	imageComing = 1
	imageThere  = 2
	imageGone   = 3
)

// Image is a picture of a thread.
type Image struct {
	ID, Thread, Owner string
	Name              string
	// Type is the media type of the view that was asked for, Size its length.
	Type string
	Size int64

	service *Service
	view    ImageView
}

// AddImage stores a picture in a thread. What it is shows in its bytes: what is
// neither JPEG, PNG, GIF, WebP nor HEIC is refused.
func (s *Service) AddImage(ctx context.Context, c *Caller, thread, name string, data io.ReadSeeker) (Image, error) {
	if err := c.begin(thread, rightTake); err != nil {
		return Image{}, err
	}
	if len(name) > MaxName {
		return Image{}, refuse(KindTooLarge, "The name of the image is longer than %d bytes.", MaxName)
	}
	size, err := data.Seek(0, io.SeekEnd)
	if err != nil {
		return Image{}, fmt.Errorf("chat: image: %w", err)
	}
	if size > MaxImage {
		return Image{}, refuse(KindTooLarge, "The image is larger than %d bytes.", MaxImage)
	}
	kind, err := imageType(data)
	if err != nil {
		return Image{}, err
	}
	image := Image{ID: newImageID(), Thread: thread, Owner: c.User, Name: name, Type: kind, Size: size, service: s, view: ImageOriginal}
	if err := s.announceImage(ctx, c, &image); err != nil {
		return Image{}, err
	}
	// From here on, what fails leaves an image that housekeeping removes.
	if err := s.storeImage(ctx, c, &image, data); err != nil {
		return Image{}, err
	}
	return image, nil
}

func newImageID() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails since Go 1.24
	return imagePrefix + hex.EncodeToString(random[:])
}

// announceImage makes the row of an image, if the caller is a member.
func (s *Service) announceImage(ctx context.Context, c *Caller, image *Image) error {
	return s.write(ctx, func(tx *store.Tx) error {
		if _, err := member(tx, c, image.Thread); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO chat_images (id, thread_id, owner_id, state, created_at, name, type, size, small_type, small_size)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 0)`, image.ID, image.Thread, image.Owner, imageComing, s.stamp(), image.Name, image.Type, image.Size)
		return err
	})
}

// storeImage writes the parts, then says that the image is there.
func (s *Service) storeImage(ctx context.Context, c *Caller, image *Image, data io.ReadSeeker) error {
	if err := s.storeParts(ctx, image.ID, ImageOriginal, data); err != nil {
		return err
	}
	s.scaling.Lock() // one at a time: a picture unpacked is large
	small, smallType := shrink(image.Type, data)
	s.scaling.Unlock()
	if small != nil {
		if err := s.storeParts(ctx, image.ID, ImageSmall, small); err != nil {
			return err
		}
	}
	return s.write(ctx, func(tx *store.Tx) error {
		if _, err := member(tx, c, image.Thread); err != nil {
			return err
		}
		length := int64(0)
		if small != nil {
			length = small.Size()
		}
		_, err := tx.Exec("UPDATE chat_images SET state = $1, small_type = $2, small_size = $3 WHERE id = $4 AND state = $5",
			imageThere, smallType, length, image.ID, imageComing)
		return err
	})
}

// storeParts writes a view of an image from its beginning on, a transaction for
// each part.
func (s *Service) storeParts(ctx context.Context, id string, view ImageView, data io.ReadSeeker) error {
	if _, err := data.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("chat: image: %w", err)
	}
	buffer := make([]byte, imagePart)
	for part := 0; ; part++ {
		n, err := io.ReadFull(data, buffer)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("chat: image: %w", err)
		}
		err = s.write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec("INSERT INTO chat_image_parts (image_id, view, part, data) VALUES ($1, $2, $3, $4)", id, int64(view), part, buffer[:n])
			return err
		})
		if err != nil {
			return err
		}
	}
}

func noImage() error { return refuse(KindNotFound, "The specified image id was not found.") }

// Image returns a picture of a thread in one of its sizes. Those that cannot be
// made smaller here, WebP and HEIC among them, have one size.
func (s *Service) Image(ctx context.Context, c *Caller, thread, id string, view ImageView) (Image, error) {
	image := Image{ID: id, Thread: thread, service: s, view: view}
	err := s.read(ctx, c, thread, func(q store.Querier, _ Participant) error {
		var smallType string
		var smallSize int64
		err := q.QueryRow("SELECT owner_id, name, type, size, small_type, small_size FROM chat_images WHERE id = $1 AND thread_id = $2 AND state = $3",
			id, thread, imageThere).Scan(&image.Owner, &image.Name, &image.Type, &image.Size, &smallType, &smallSize)
		if store.IsNotFound(err) {
			return noImage()
		}
		if view == ImageSmall && smallSize > 0 {
			image.Type, image.Size = smallType, smallSize
		} else {
			image.view = ImageOriginal
		}
		return err
	})
	return image, err
}

// Open returns a reader of the bytes, which reads them part by part for as long
// as ctx lasts. An image that is removed meanwhile ends it with an error.
func (i *Image) Open(ctx context.Context) io.Reader {
	return &imageReader{image: *i, load: func(part int) (data []byte, err error) {
		err = i.service.options.Store.Read(ctx, func(q store.Querier) error {
			return q.QueryRow("SELECT data FROM chat_image_parts WHERE image_id = $1 AND view = $2 AND part = $3", i.ID, int64(i.view), part).Scan(&data)
		})
		return data, err
	}}
}

type imageReader struct {
	image Image
	load  func(part int) ([]byte, error)
	part  int
	read  int64
	data  []byte
}

// Read implements io.Reader.
func (r *imageReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		if r.read >= r.image.Size {
			return 0, io.EOF
		}
		var err error
		if r.data, err = r.load(r.part); err != nil {
			return 0, fmt.Errorf("chat: image: %w", err)
		}
		r.part++
	}
	n := copy(p, r.data)
	r.data, r.read = r.data[n:], r.read+int64(n)
	return n, nil
}

// DeleteImage removes a picture that the caller has uploaded. Messages that show
// it go on naming it.
func (s *Service) DeleteImage(ctx context.Context, c *Caller, thread, id string) error {
	if err := c.begin(thread, rightTake); err != nil {
		return err
	}
	return s.write(ctx, func(tx *store.Tx) error {
		if _, err := member(tx, c, thread); err != nil {
			return err
		}
		var owner string
		err := tx.QueryRow("SELECT owner_id FROM chat_images WHERE id = $1 AND thread_id = $2 AND state = $3", id, thread, imageThere).Scan(&owner)
		switch {
		case store.IsNotFound(err):
			return noImage()
		case err != nil:
			return err
		case owner != c.User:
			return refuse(KindForbidden, "The image was not uploaded by %s.", c.User)
		}
		_, err = tx.Exec("UPDATE chat_images SET state = $1 WHERE id = $2", imageGone, id)
		return err
	})
}

// attach checks what a message shows, and completes it.
func attach(tx *store.Tx, thread string, list []Attachment) error {
	if len(list) > MaxAttachments {
		return refuse(KindInvalid, "A message has at most %d attachments.", MaxAttachments)
	}
	for i := range list {
		a := &list[i]
		if len(a.Name) > MaxName {
			return refuse(KindTooLarge, "The name of the attachment is longer than %d bytes.", MaxName)
		}
		var name string
		err := tx.QueryRow("SELECT name FROM chat_images WHERE id = $1 AND thread_id = $2 AND state = $3", a.ID, thread, imageThere).Scan(&name)
		if store.IsNotFound(err) {
			return refuse(KindInvalid, "The attachment is not an image of this thread (%s).", a.ID)
		}
		if err != nil {
			return err
		}
		if a.Kind = attachmentImage; a.Name == "" {
			a.Name = name
		}
	}
	return nil
}

const attachmentImage = "image"

// detach removes the images of a message that is taken back. Those that somebody
// else had uploaded stay, unless owner is empty.
func detach(tx *store.Tx, thread, owner string, list []Attachment) error {
	for _, a := range list {
		_, err := tx.Exec("UPDATE chat_images SET state = $1 WHERE id = $2 AND thread_id = $3 AND (owner_id = $4 OR $4 = '')", imageGone, a.ID, thread, owner)
		if err != nil {
			return err
		}
	}
	return nil
}

// dropImages removes the images of a thread.
func dropImages(tx *store.Tx, thread string) error {
	_, err := tx.Exec("UPDATE chat_images SET state = $1 WHERE thread_id = $2", imageGone, thread)
	return err
}

// sweepBatch is how many images one round of housekeeping removes at once.
const sweepBatch = 20

// Sweep removes images that are gone, and those that never became complete.
func (s *Service) Sweep(ctx context.Context) error {
	for {
		var ids []string
		err := s.options.Store.Read(ctx, func(q store.Querier) (err error) {
			ids, err = texts(q, "SELECT id FROM chat_images WHERE state = $1 OR (state = $2 AND created_at < $3) LIMIT $4",
				imageGone, imageComing, s.now().Add(-uploadLimit).UnixMilli(), sweepBatch)
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			err := s.write(ctx, func(tx *store.Tx) error {
				// The row first: an upload that goes on after an hour finds nothing.
				if _, err := tx.Exec("DELETE FROM chat_images WHERE id = $1", id); err != nil {
					return err
				}
				_, err := tx.Exec("DELETE FROM chat_image_parts WHERE image_id = $1", id)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
}
