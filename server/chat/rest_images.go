package chat

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
)

const (
	paramImage = "imageId"
	paramView  = "imageViewType"
)

// sendsAttachments tells whether the contract takes attachments of messages.
func sendsAttachments(r *front.Request) bool { return r.Contract == acswire.VersionChatProperties() }

// restUploadImage answers POST …/images.
func (s *Service) restUploadImage(ctx context.Context, r *front.Request) (*front.Response, error) {
	var data io.ReadSeeker = bytes.NewReader(r.Body)
	if r.BodyFile != nil {
		data = r.BodyFile
	}
	name := r.Header(acswire.HeaderImageFilename)
	// SDKs percent-encode what a header cannot hold.
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	image, err := s.AddImage(ctx, callerOf(r), r.Param(paramThread), cleanName(name), data)
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{
		Status: http.StatusCreated, Header: located(r, acswire.ChatImagePath(image.Thread, image.ID)),
		Body: acswire.UploadChatImageResult{ID: &image.ID, AttachmentType: new(acswire.ChatAttachmentImage), Name: text(image.Name)},
	}, nil
}

// restGetImage answers GET …/images/{imageId}/view/{imageViewType}.
func (s *Service) restGetImage(ctx context.Context, r *front.Request) (*front.Response, error) {
	view := ImageOriginal
	switch r.Param(paramView) {
	case acswire.ChatImageOriginal:
	case acswire.ChatImageSmall:
		view = ImageSmall
	default:
		return nil, badValue("", "The view must be "+acswire.ChatImageOriginal+" or "+acswire.ChatImageSmall+".")
	}
	image, err := s.Image(ctx, callerOf(r), r.Param(paramThread), r.Param(paramImage), view)
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusOK, Stream: image.Open(ctx), Header: http.Header{
		acswire.HeaderContentType: {image.Type}, "Content-Length": {strconv.FormatInt(image.Size, 10)},
		// Nothing but a picture, whatever is in it.
		"X-Content-Type-Options": {"nosniff"}, "Content-Security-Policy": {"default-src 'none'; sandbox"},
	}}, nil
}

// restDeleteImage answers DELETE …/images/{imageId}.
func (s *Service) restDeleteImage(ctx context.Context, r *front.Request) (*front.Response, error) {
	return noContent(s.DeleteImage(ctx, callerOf(r), r.Param(paramThread), r.Param(paramImage)))
}

// attachmentsOf reads what a message shows.
func attachmentsOf(given []acswire.ChatAttachment) ([]Attachment, error) {
	list := make([]Attachment, 0, len(given))
	for i := range given {
		switch value(given[i].AttachmentType) {
		case "", acswire.ChatAttachmentImage, "inlineImage": // the last is in the specification's example
		default:
			return nil, badValue("attachmentType", "Only images can be attached.")
		}
		list = append(list, Attachment{ID: value(given[i].ID), Kind: attachmentImage, Name: cleanName(value(given[i].Name))})
	}
	return list, nil
}

// attachmentModels is never nil: recorded messages have an empty list.
func attachmentModels(r *front.Request, list []Attachment) []acswire.ChatAttachment {
	models := make([]acswire.ChatAttachment, 0, len(list))
	version := "?" + acswire.QueryAPIVersion + "=" + r.Version.String()
	link := func(a *Attachment, view string) *string {
		return new(r.URL(acswire.ChatImageViewPath(r.Param(paramThread), a.ID, view)) + version)
	}
	for i := range list {
		a := &list[i]
		models = append(models, acswire.ChatAttachment{
			ID: &a.ID, AttachmentType: &a.Kind, Name: text(a.Name),
			URL: link(a, acswire.ChatImageOriginal), PreviewURL: link(a, acswire.ChatImageSmall),
		})
	}
	return models
}
