package fake

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/chat"
	corefake "github.com/parley-rtc/parley/rest/core/fake"
)

func (s *Server) sendMessage(r *corefake.Request) (*corefake.Response, error) {
	if s.SendMessage == nil {
		return nil, corefake.NotFaked("SendMessage")
	}
	var body struct {
		acswire.SendChatMessageRequest
		Attachments []chat.Attachment `json:"attachments"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	sent, err := s.SendMessage(r.Raw.Context(), thread(r), text(body.Content), &chat.ThreadClientSendMessageOptions{
		Type: (*chat.MessageType)(body.Type), SenderDisplayName: body.SenderDisplayName, Metadata: body.Metadata,
		Attachments: body.Attachments,
	})
	return &corefake.Response{Status: http.StatusCreated, Body: acswire.SendChatMessageResult{ID: sent.ID}}, err
}

func (s *Server) listMessages(r *corefake.Request) (*corefake.Response, error) {
	if s.NewListMessagesPager == nil {
		return nil, corefake.NotFaked("NewListMessagesPager")
	}
	query := r.Raw.URL.Query()
	size, err := number(query, acswire.QueryMaxPageSize)
	if err != nil {
		return nil, err
	}
	start, err := moment(query)
	if err != nil {
		return nil, err
	}
	pages := s.NewListMessagesPager(thread(r), &chat.ThreadClientListMessagesOptions{MaxPageSize: size, StartTime: start})
	return corefake.ServePages(r, pages, func(page *chat.ThreadClientListMessagesResponse) **string { return &page.NextLink })
}

func (s *Server) getMessage(r *corefake.Request) (*corefake.Response, error) {
	if s.GetMessage == nil {
		return nil, corefake.NotFaked("GetMessage")
	}
	got, err := s.GetMessage(r.Raw.Context(), thread(r), message(r), &chat.ThreadClientGetMessageOptions{})
	return &corefake.Response{Body: got.Message}, err
}

func (s *Server) updateMessage(r *corefake.Request) (*corefake.Response, error) {
	if s.UpdateMessage == nil {
		return nil, corefake.NotFaked("UpdateMessage")
	}
	var body struct {
		acswire.UpdateChatMessageRequest
		Attachments []chat.Attachment `json:"attachments"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	_, err := s.UpdateMessage(r.Raw.Context(), thread(r), message(r), &chat.ThreadClientUpdateMessageOptions{
		Content: body.Content, Metadata: body.Metadata, Attachments: body.Attachments,
	})
	return &corefake.Response{Status: http.StatusNoContent}, err
}

func (s *Server) deleteMessage(r *corefake.Request) (*corefake.Response, error) {
	if s.DeleteMessage == nil {
		return nil, corefake.NotFaked("DeleteMessage")
	}
	_, err := s.DeleteMessage(r.Raw.Context(), thread(r), message(r), &chat.ThreadClientDeleteMessageOptions{})
	return &corefake.Response{Status: http.StatusNoContent}, err
}

func (s *Server) sendReadReceipt(r *corefake.Request) (*corefake.Response, error) {
	if s.SendReadReceipt == nil {
		return nil, corefake.NotFaked("SendReadReceipt")
	}
	var body acswire.SendReadReceiptRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	_, err := s.SendReadReceipt(r.Raw.Context(), thread(r), text(body.ChatMessageID), &chat.ThreadClientSendReadReceiptOptions{})
	return &corefake.Response{}, err
}

func (s *Server) listReadReceipts(r *corefake.Request) (*corefake.Response, error) {
	if s.NewListReadReceiptsPager == nil {
		return nil, corefake.NotFaked("NewListReadReceiptsPager")
	}
	size, skip, err := window(r)
	if err != nil {
		return nil, err
	}
	pages := s.NewListReadReceiptsPager(thread(r), &chat.ThreadClientListReadReceiptsOptions{MaxPageSize: size, Skip: skip})
	return corefake.ServePages(r, pages, func(page *chat.ThreadClientListReadReceiptsResponse) **string { return &page.NextLink })
}

func (s *Server) sendTyping(r *corefake.Request) (*corefake.Response, error) {
	if s.SendTypingNotification == nil {
		return nil, corefake.NotFaked("SendTypingNotification")
	}
	var body acswire.SendTypingNotificationRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	_, err := s.SendTypingNotification(r.Raw.Context(), thread(r), &chat.ThreadClientSendTypingNotificationOptions{SenderDisplayName: body.SenderDisplayName})
	return &corefake.Response{}, err
}

func (s *Server) uploadImage(r *corefake.Request) (*corefake.Response, error) {
	if s.UploadImage == nil {
		return nil, corefake.NotFaked("UploadImage")
	}
	options := &chat.ThreadClientUploadImageOptions{}
	if name := r.Raw.Header.Get(acswire.HeaderImageFilename); name != "" {
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		options.Filename = &name
	}
	made, err := s.UploadImage(r.Raw.Context(), thread(r), r.Body, options)
	return &corefake.Response{Status: http.StatusCreated, Body: acswire.UploadChatImageResult{
		ID: made.ID, AttachmentType: (*string)(made.Type), Name: made.Name,
	}}, err
}

func (s *Server) getImage(r *corefake.Request) (*corefake.Response, error) {
	if s.GetImage == nil {
		return nil, corefake.NotFaked("GetImage")
	}
	got, err := s.GetImage(r.Raw.Context(), thread(r), r.Param("imageId"), chat.ImageView(r.Param("imageViewType")), &chat.ThreadClientGetImageOptions{})
	if err != nil {
		return nil, err
	}
	answer := &corefake.Response{Header: http.Header{acswire.HeaderContentType: {got.ContentType}}}
	if got.Body != nil {
		data, err := io.ReadAll(got.Body)
		if err := errors.Join(err, got.Body.Close()); err != nil {
			return nil, fmt.Errorf("fake: read the image: %w", err)
		}
		answer.Data = data
	}
	return answer, nil
}

func (s *Server) deleteImage(r *corefake.Request) (*corefake.Response, error) {
	if s.DeleteImage == nil {
		return nil, corefake.NotFaked("DeleteImage")
	}
	_, err := s.DeleteImage(r.Raw.Context(), thread(r), r.Param("imageId"), &chat.ThreadClientDeleteImageOptions{})
	return &corefake.Response{Status: http.StatusNoContent}, err
}
