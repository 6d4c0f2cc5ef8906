package chat

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// imagesQuery asks for the only version that has images.
func imagesQuery() url.Values {
	return url.Values{acswire.QueryAPIVersion: {imagesAPIVersion}}
}

// UploadImage stores an image in the thread and returns its id. The service
// tells by the bytes what kind of image it is, and refuses with CodeBadRequest
// what is none. It asks for a preview of the contract.
func (t *ThreadClient) UploadImage(ctx context.Context, image []byte, options *ThreadClientUploadImageOptions) (ThreadClientUploadImageResponse, error) {
	path, err := core.Path(acswire.RouteChatImages, t.id)
	if err != nil {
		return ThreadClientUploadImageResponse{}, err
	}
	req, err := t.core.NewRequest(ctx, http.MethodPost, path, imagesQuery())
	if err != nil {
		return ThreadClientUploadImageResponse{}, err
	}
	req.SetBody(image, "application/octet-stream")
	if options != nil && options.Filename != nil {
		req.Raw().Header.Set(acswire.HeaderImageFilename, headerText(*options.Filename))
	}
	resp, err := t.core.Do(req, http.StatusCreated)
	if err != nil {
		return ThreadClientUploadImageResponse{}, err
	}
	var made acswire.UploadChatImageResult
	if err := core.UnmarshalJSON(resp, &made); err != nil {
		return ThreadClientUploadImageResponse{}, err
	}
	if made.ID == nil || *made.ID == "" {
		return ThreadClientUploadImageResponse{}, fmt.Errorf("%w: no id", ErrIncompleteAnswer)
	}
	return ThreadClientUploadImageResponse{Attachment: Attachment{ID: made.ID, Type: (*AttachmentType)(made.AttachmentType), Name: made.Name}}, nil
}

// headerText percent-encodes a text that a header cannot hold.
func headerText(text string) string {
	for _, r := range text {
		if r < ' ' || r > '~' || r == '%' {
			return url.PathEscape(text)
		}
	}
	return text
}

// GetImage returns an image in one of its sizes. The caller reads and closes the
// body of the response. It asks for a preview of the contract.
func (t *ThreadClient) GetImage(ctx context.Context, imageID string, view ImageView, _ *ThreadClientGetImageOptions) (ThreadClientGetImageResponse, error) {
	path, err := core.Path(acswire.RouteChatImageView, t.id, imageID, string(view))
	if err != nil {
		return ThreadClientGetImageResponse{}, err
	}
	req, err := t.core.NewRequest(ctx, http.MethodGet, path, imagesQuery())
	if err != nil {
		return ThreadClientGetImageResponse{}, err
	}
	// A refusal is JSON.
	req.Raw().Header.Set("Accept", "image/*, application/json")
	req.StreamResponse()
	resp, err := t.core.Do(req, http.StatusOK)
	if err != nil {
		return ThreadClientGetImageResponse{}, err
	}
	return ThreadClientGetImageResponse{Body: resp.Body, ContentType: resp.Header.Get(acswire.HeaderContentType)}, nil
}

// DeleteImage deletes an image of the user's own. It asks for a preview of the
// contract.
func (t *ThreadClient) DeleteImage(ctx context.Context, imageID string, _ *ThreadClientDeleteImageOptions) (ThreadClientDeleteImageResponse, error) {
	err := t.call(ctx, acswire.RouteChatImage, core.Call{
		Method: http.MethodDelete, Query: imagesQuery(), Success: []int{http.StatusNoContent},
	}, imageID)
	return ThreadClientDeleteImageResponse{}, err
}
