package genesys

import (
	"context"
	"errors"
	"net/http"
	"slices"
)

// A ConversationsService reads, transfers and ends message conversations.
//
// See https://developer.genesys.cloud/commdigital/digital/messaging/
type ConversationsService struct{ c *core }

// Get reads a message conversation. The documentation asks for no permission; that it shows every conversation to a
// client-credentials token is UNCERTAIN, some vendors add Conversation > Message > View.
//
// Errors: [ErrNotFound], [ErrForbidden].
func (s *ConversationsService) Get(ctx context.Context, id string) (*Conversation, error) {
	c := &Conversation{}
	if err := s.c.do(ctx, Request{Op: "conversations.get", Path: messages(id)}, c); err != nil {
		return nil, err
	}
	return c, nil
}

// SetAttributes adds to a participant's data, which flows and agent scripts read. Names are case-sensitive. No permission
// is documented. An empty map sends nothing. A repeat is harmless and made.
func (s *ConversationsService) SetAttributes(ctx context.Context, id, participantID string, a map[string]string) error {
	if len(a) == 0 {
		return nil
	}
	return s.c.do(ctx, Request{
		Op: "conversations.attributes", Method: http.MethodPatch, Idempotent: true,
		Path: messages(id, "participants", participantID, "attributes"),
		Body: attributesRequest{a},
	}, nil)
}

type attributesRequest struct {
	Attributes map[string]string `json:"attributes"`
}

// TransferToQueue moves the conversation to a queue by replacing a participant: the queue's own (purpose acd) or an agent.
// It is not repeated after a 5xx; a 2xx only means that Genesys took the order, so read the conversation.
//
// It needs conversation:communication:blindTransferQueue or :blindTransfer, shown in older organisations as Conversation >
// Communication > Transfer. On 403, 404 and 409 the messages form of the call is tried, which knows blindTransfer alone;
// where both fail the error has the missing permissions of both. That a queue's participant can be replaced with a
// client-credentials token is UNCERTAIN.
//
// See https://community.genesys.com/discussion/decompose-transfer-permissions
func (s *ConversationsService) TransferToQueue(ctx context.Context, id, participantID, queueID string) error {
	const op = "conversations.transferToQueue"
	if queueID == "" {
		return invalid(op, errors.New("the queue's id is empty"))
	}
	return s.replace(ctx, op, id, participantID, "queue", transferRequest{QueueID: queueID})
}

// TransferToAgent is TransferToQueue for one agent. It needs conversation:communication:blindTransferAgent or :blindTransfer.
func (s *ConversationsService) TransferToAgent(ctx context.Context, id, participantID, userID string) error {
	const op = "conversations.transferToAgent"
	if userID == "" {
		return invalid(op, errors.New("the agent's id is empty"))
	}
	return s.replace(ctx, op, id, participantID, "agent", transferRequest{UserID: userID})
}

type transferRequest struct {
	QueueID string `json:"queueId,omitempty"`
	UserID  string `json:"userId,omitempty"`
}

func (s *ConversationsService) replace(ctx context.Context, op, id, participantID, to string, body transferRequest) error {
	r := Request{
		Op: op, Method: http.MethodPost, Body: body,
		Path: []string{"conversations", id, "participants", participantID, "replace", to},
	}
	firstErr := s.c.do(ctx, r, nil)
	if !another(firstErr) {
		return firstErr
	}
	r.Path = messages(id, "participants", participantID, "replace")
	return both(firstErr, s.c.do(ctx, r, nil))
}

// another: refused in a way that leaves another form of the call worth trying.
func another(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || EffectOf(err) != EffectRefused {
		return false
	}
	switch e.StatusCode {
	case http.StatusForbidden, http.StatusNotFound, http.StatusConflict:
		return true
	default:
		return false
	}
}

// both makes one error of two refusals: a missing permission says more than the rest, since people can mend it.
func both(firstErr, secondErr error) error {
	if secondErr == nil {
		return nil
	}
	a, okA := errors.AsType[*Error](firstErr)
	b, okB := errors.AsType[*Error](secondErr)
	if !okA || !okB || EffectOf(secondErr) != EffectRefused {
		return secondErr
	}
	merged := *b
	if a.StatusCode == http.StatusForbidden && b.StatusCode != http.StatusForbidden {
		merged = *a
	}
	merged.MissingPermissions = slices.Clone(a.MissingPermissions)
	for _, p := range b.MissingPermissions {
		if !slices.Contains(merged.MissingPermissions, p) {
			merged.MissingPermissions = append(merged.MissingPermissions, p)
		}
	}
	return &merged
}

// messages is a path under a message conversation.
func messages(id string, rest ...string) []string {
	return append([]string{"conversations", "messages", id}, rest...)
}
