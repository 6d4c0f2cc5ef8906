package fake

import (
	"net/http"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/chat"
	corefake "github.com/parley-rtc/parley/rest/core/fake"
)

// created is the body of a creation, with the participants as the client has them.
type created struct {
	Topic           *string                      `json:"topic"`
	Participants    []chat.Participant           `json:"participants"`
	Metadata        map[string]string            `json:"metadata"`
	RetentionPolicy *acswire.ChatRetentionPolicy `json:"retentionPolicy"`
}

func (s *Server) createThread(r *corefake.Request) (*corefake.Response, error) {
	if s.CreateThread == nil {
		return nil, corefake.NotFaked("CreateThread")
	}
	var body created
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	id := r.Raw.Header.Get(acswire.HeaderRepeatabilityID)
	made, err := s.CreateThread(r.Raw.Context(), text(body.Topic), &chat.ClientCreateThreadOptions{
		Participants: body.Participants, Metadata: body.Metadata, RetentionPolicy: retention(body.RetentionPolicy), RepeatabilityRequestID: &id,
	})
	return &corefake.Response{Status: http.StatusCreated, Body: made}, err
}

func (s *Server) deleteThread(r *corefake.Request) (*corefake.Response, error) {
	if s.DeleteThread == nil {
		return nil, corefake.NotFaked("DeleteThread")
	}
	_, err := s.DeleteThread(r.Raw.Context(), thread(r), &chat.ClientDeleteThreadOptions{})
	return &corefake.Response{Status: http.StatusNoContent}, err
}

func (s *Server) listThreads(r *corefake.Request) (*corefake.Response, error) {
	if s.NewListThreadsPager == nil {
		return nil, corefake.NotFaked("NewListThreadsPager")
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
	pages := s.NewListThreadsPager(&chat.ClientListThreadsOptions{MaxPageSize: size, StartTime: start})
	return corefake.ServePages(r, pages, func(page *chat.ClientListThreadsResponse) **string { return &page.NextLink })
}

func (s *Server) getProperties(r *corefake.Request) (*corefake.Response, error) {
	if s.GetProperties == nil {
		return nil, corefake.NotFaked("GetProperties")
	}
	got, err := s.GetProperties(r.Raw.Context(), thread(r), &chat.ThreadClientGetPropertiesOptions{})
	return &corefake.Response{Body: got.Thread}, err
}

func (s *Server) updateProperties(r *corefake.Request) (*corefake.Response, error) {
	if s.UpdateProperties == nil {
		return nil, corefake.NotFaked("UpdateProperties")
	}
	var body acswire.UpdateChatThreadRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	_, err := s.UpdateProperties(r.Raw.Context(), thread(r), &chat.ThreadClientUpdatePropertiesOptions{
		Topic: body.Topic, Metadata: body.Metadata, RetentionPolicy: retention(body.RetentionPolicy),
	})
	return &corefake.Response{Status: http.StatusNoContent}, err
}

func (s *Server) listParticipants(r *corefake.Request) (*corefake.Response, error) {
	if s.NewListParticipantsPager == nil {
		return nil, corefake.NotFaked("NewListParticipantsPager")
	}
	size, skip, err := window(r)
	if err != nil {
		return nil, err
	}
	pages := s.NewListParticipantsPager(thread(r), &chat.ThreadClientListParticipantsOptions{MaxPageSize: size, Skip: skip})
	return corefake.ServePages(r, pages, func(page *chat.ThreadClientListParticipantsResponse) **string { return &page.NextLink })
}

func window(r *corefake.Request) (size, skip *int32, err error) {
	query := r.Raw.URL.Query()
	if size, err = number(query, acswire.QueryMaxPageSize); err != nil {
		return nil, nil, err
	}
	skip, err = number(query, acswire.QuerySkip)
	return size, skip, err
}

func (s *Server) addParticipants(r *corefake.Request) (*corefake.Response, error) {
	if s.AddParticipants == nil {
		return nil, corefake.NotFaked("AddParticipants")
	}
	var body created
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	result, err := s.AddParticipants(r.Raw.Context(), thread(r), body.Participants, &chat.ThreadClientAddParticipantsOptions{})
	return &corefake.Response{Status: http.StatusCreated, Body: result}, err
}

func (s *Server) removeParticipant(r *corefake.Request) (*corefake.Response, error) {
	if s.RemoveParticipant == nil {
		return nil, corefake.NotFaked("RemoveParticipant")
	}
	var body acswire.IdentifierModel
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	id, err := body.Identifier()
	if err != nil {
		return nil, badRequest(err)
	}
	_, err = s.RemoveParticipant(r.Raw.Context(), thread(r), id, &chat.ThreadClientRemoveParticipantOptions{})
	return &corefake.Response{Status: http.StatusNoContent}, err
}
