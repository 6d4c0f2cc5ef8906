package server

import (
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/openapi"
)

// ownOperation is an operation of the service's own API, under /parley/v1. One
// table of them drives routing and the document at /openapi/parley/v1.json.
type ownOperation struct {
	acswire.Operation
	handle  operatorHandler // nil: forUser
	forUser userHandler
}

func query(name, description string, kind acswire.ParameterKind, required bool) acswire.Parameter {
	return acswire.Parameter{Name: name, In: acswire.InQuery, Kind: kind, Required: required, Description: description}
}

// queryResource is the query of every operation on what belongs to a resource.
func queryResource() acswire.Parameter {
	return query("resource", "The resource's name; local without it.", acswire.KindString, false)
}

// own makes an operation for whoever runs the service.
func own(method, route, id, summary string, handle operatorHandler, request, answer any, parameters ...acswire.Parameter) ownOperation {
	response := acswire.OperationResponse{Status: http.StatusOK, Body: answer, Description: "Done."}
	switch {
	case answer == nil:
		response.Status = http.StatusNoContent
	case method == http.MethodPost && request != nil && strings.HasPrefix(id, "Webhooks"):
		response.Status = http.StatusCreated
	}
	return ownOperation{Operation: acswire.Operation{
		ID: id, Method: method, Route: route, Auth: acswire.AuthManagement, Summary: summary,
		Parameters: parameters, Request: request, Responses: []acswire.OperationResponse{response},
	}, handle: handle}
}

// ownOfUser makes an operation for users.
func ownOfUser(method, route, id, summary string, handle userHandler, request, answer any, parameters ...acswire.Parameter) ownOperation {
	o := own(method, route, id, summary, nil, request, answer, parameters...)
	o.Auth, o.forUser = acswire.AuthUser, handle
	return o
}

// ownOperations is the table.
func (s *Server) ownOperations() []ownOperation {
	name := query("name", "The webhook's name.", acswire.KindString, true)
	letter := query("id", "The dead letter's id.", acswire.KindString, true)
	limit := query("limit", "How many, 1 to 1000; 100 without it.", acswire.KindInteger, false)
	after := query("after", "The next of the page before.", acswire.KindString, false)
	thread := query("thread", "The thread's id.", acswire.KindString, true)
	user := query("user", "The raw id of a member; the threads of all without it.", acswire.KindString, false)
	now := query("now", "true lets the new key sign at once.", acswire.KindBoolean, false)
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	list := []ownOperation{
		own(get, SigningKeysPath, "SigningKeys_List", "The keys that sign user access tokens, the newest first", s.serveSigningKeys, nil, SigningKeys{}),
		own(post, SigningKeysPath, "SigningKeys_Rotate", "Make a new signing key", s.serveSigningKeys, nil, SigningKeys{}, now),
		own(get, WebhooksPath, "Webhooks_List", "The webhooks of a resource", s.serveWebhooks, nil, Webhooks{}, queryResource()),
		own(post, WebhooksPath, "Webhooks_Create", "Let an endpoint get events", s.serveWebhooks, NewWebhook{}, Webhook{}, queryResource()),
		own(del, WebhooksPath, "Webhooks_Delete", "Remove a webhook and what waits for it", s.serveWebhooks, nil, nil, queryResource(), name),
		own(get, DeadLettersPath, "DeadLetters_List", "Events that could not be delivered, the oldest first", s.serveDeadLetters, nil, DeadLetters{}, queryResource(), limit, after),
		own(post, DeadLettersPath, "DeadLetters_Redeliver", "Try a dead letter again, for another day", s.serveDeadLetters, nil, nil, queryResource(), letter),
		own(del, DeadLettersPath, "DeadLetters_Delete", "Remove a dead letter", s.serveDeadLetters, nil, nil, queryResource(), letter),
		own(get, ChatThreadsPath, "Chat_ListThreads", "The threads of a resource, deleted ones too, in the order of their ids", s.serveChatThreads, nil, ChatThreads{}, queryResource(), user, limit, after),
		own(get, ChatExportPath, "Chat_Export", "A thread with all that is in it, as lines of JSON; the last line is the end", s.serveChatExport, nil, ExportLine{}, queryResource(), thread),
		own(post, ChatErasePath, "Chat_Erase", "Take out what a user wrote, a message, or a thread", s.serveChatErase, Erasure{}, Erased{}, queryResource()),
	}
	put, device := http.MethodPut, query("id", "The device's id.", acswire.KindString, true)
	return append(list,
		ownOfUser(get, PushDevicesPath, "PushDevices_List", "The user's devices, without their tokens", s.servePushDevices, nil, PushDevices{}),
		ownOfUser(put, PushDevicesPath, "PushDevices_Register", "Let a phone be woken for messages and calls", s.servePushDevices, PushDevice{}, nil),
		ownOfUser(del, PushDevicesPath, "PushDevices_Delete", "Forget a device", s.servePushDevices, nil, nil, device),
	)
}

// handleOwn serves the operations and their document.
func (s *Server) handleOwn(f *front.Front) {
	var documented []acswire.Operation
	for _, o := range s.ownOperations() {
		if o.forUser != nil {
			f.Handle(o.Method, o.Route, s.userOnly(f, o.forUser))
		} else {
			f.Handle(o.Method, o.Route, s.operatorOnly(f, o.handle))
		}
		documented = append(documented, o.Operation)
	}
	types := map[string]string{"Chat_Export": contentTypeLines}
	pages := openapi.NewHandler(openapi.Own{Name: "parley", Version: "v1", Operations: documented, AnswerTypes: types})
	f.Handle(http.MethodGet, openapi.Path, pages)
	f.Handle(http.MethodGet, openapi.Path+"/*", pages)
}
