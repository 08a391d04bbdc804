package genesys

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A ConversationsService reads, transfers and ends message conversations.
//
// See https://developer.genesys.cloud/commdigital/digital/messaging/
type ConversationsService struct{ c *core }

// Get reads a message conversation. The documentation asks for no permission. Whether every
// conversation is visible to a client-credentials token is UNCERTAIN: some vendors add Conversation
// > Message > View.
//
// Errors: [ErrNotFound], [ErrForbidden].
func (s *ConversationsService) Get(ctx context.Context, id string) (*Conversation, error) {
	c := &Conversation{}
	if err := s.c.do(ctx, Request{Op: "conversations.get", Path: messages(id)}, c); err != nil {
		return nil, err
	}
	return c, nil
}

// SetAttributes adds to a participant's data, which flows and agent scripts read. Names are
// case-sensitive. No permission is documented. An empty map sends nothing. It is retried, because a
// repeat is harmless.
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

// TransferToQueue moves the conversation to a queue by replacing a participant: that of a queue
// (purpose acd) or an agent. It is not retried after a 5xx. A 2xx only means that Genesys accepted
// the order, so read the conversation.
//
// It needs conversation:communication:blindTransferQueue or :blindTransfer, which older
// organisations show as Conversation > Communication > Transfer. After a 403, 404 or 409 the
// messages form of the call is tried, which knows only blindTransfer. If both fail, the error has
// the missing permissions of both. Whether a queue's participant can be replaced with a
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

// TransferToAgent is TransferToQueue for one agent. It needs
// conversation:communication:blindTransferAgent or :blindTransfer.
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

// another reports whether err is a refusal after which another form of the call may work.
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

// both joins two refusals in one error. A missing permission is preferred, because people can fix
// it.
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

// messages returns a path under a message conversation.
func messages(id string, rest ...string) []string {
	return append([]string{"conversations", "messages", id}, rest...)
}

// Disconnect ends the conversation for all participants. It returns nil without a call if the
// conversation is over or has no live participant. It is retried, because a repeat is harmless. A
// 2xx does not prove the end: read the conversation.
//
// It first disconnects the customer's communication, which by the documentation needs no
// permission, then the whole conversation, which needs conversation:communication:disconnect. A
// read of a message conversation does not name the customer's communication. It is taken from the
// peer of the queue's or the agent's leg (INFERENCE: peer is "the peer communication corresponding
// to a matching leg"). If no leg names it, or the read is forbidden, only the second call is made.
// If both are refused, the error is that of the second call, because its 403 names the missing
// permission.
//
// Open Messaging has no event for a customer who leaves. See
// https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundEventMessages
func (s *ConversationsService) Disconnect(ctx context.Context, id string) error {
	const op = "conversations.disconnect"
	c, err := s.Get(ctx, id)
	if err != nil && !errors.Is(err, ErrForbidden) {
		return err
	}
	if err == nil && !c.live() {
		return nil
	}
	r := Request{Op: op, Method: http.MethodPatch, Idempotent: true, Body: stateRequest{StateDisconnected}}
	var firstErr error
	if participant, communication := c.customerCommunication(); communication != "" {
		r.Path = messages(id, "participants", participant, "communications", communication)
		firstErr = s.c.do(ctx, r, nil)
		if !another(firstErr) && !badRequest(firstErr) {
			return firstErr
		}
	}
	r.Path = messages(id)
	if firstErr == nil {
		return s.c.do(ctx, r, nil)
	}
	return both(firstErr, s.c.do(ctx, r, nil))
}

// stateRequest is the body of a disconnect. The conversation's schema requires its start and
// participants too, which no official client sends.
type stateRequest struct {
	State string `json:"state"`
}

// badRequest reports whether err is a 400: the id of the communication was only inferred.
func badRequest(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.StatusCode == http.StatusBadRequest
}

// live reports whether there is something to disconnect. A listed customer decides: an agent whom
// the customer has left ends the conversation without our help.
func (c *Conversation) live() bool {
	listed := false
	for _, p := range c.Participants {
		if p.IsCustomer() {
			listed = true
			if p.Live() {
				return true
			}
		}
	}
	if listed {
		return false
	}
	for _, p := range c.Participants {
		if p.Live() {
			return true
		}
	}
	return false
}

// customerCommunication returns the live customer and their communication, or "" if it is unknown.
// c may be nil.
func (c *Conversation) customerCommunication() (participant, communication string) {
	if c == nil {
		return "", ""
	}
	for _, p := range c.Participants {
		if !p.IsCustomer() || !p.Live() {
			continue
		}
		participant = p.ID
		for _, own := range p.Communications {
			if own.State != StateDisconnected && own.State != StateTerminated {
				return participant, own.ID
			}
		}
	}
	if participant == "" {
		return "", ""
	}
	for _, p := range c.Participants {
		if !p.IsCustomer() && p.Live() && p.Peer != "" {
			return participant, p.Peer
		}
	}
	return participant, ""
}

// MaxBulkMessages is the most ids in one call of [ConversationsService.Messages]. Genesys documents
// no limit (UNCERTAIN); this keeps an answer with long texts below the limit of what is read.
const MaxBulkMessages = 50

// A StoredMessage is a message of a conversation as Genesys keeps it.
type StoredMessage struct {
	ID       string // as a read of the conversation lists it
	Outbound bool   // to the customer
	Time     time.Time
	Status   string // as in [MessageRef]

	// Message is what the webhook posted or would have posted. That its ID equals the webhook's is
	// INFERENCE. Its Body may be unknown.
	Message openmessaging.Outbound
}

// Messages reads messages of a conversation by the ids that [ConversationsService.Get] lists, at
// most [MaxBulkMessages], and returns them oldest first. Ids that Genesys does not know are left
// out without an error. An empty list sends nothing. It is retried, because a repeat is harmless.
//
// It needs conversation:message:view or conversation:webmessaging:view, which are not among the
// four permissions of the setup guide. Errors: [ErrForbidden] with the missing permission,
// [ErrNotFound].
func (s *ConversationsService) Messages(ctx context.Context, conversationID string, ids []string) ([]StoredMessage, error) {
	const op = "conversations.messages"
	switch {
	case len(ids) == 0:
		return nil, nil
	case len(ids) > MaxBulkMessages:
		return nil, invalid(op, fmt.Errorf("%d ids, the limit is %d: ask for them in parts", len(ids), MaxBulkMessages))
	case slices.Contains(ids, ""):
		return nil, invalid(op, errors.New("an id is empty"))
	}
	var answer struct {
		Entities []wireStored `json:"entities"`
	}
	err := s.c.do(ctx, Request{
		Op: op, Method: http.MethodPost, Idempotent: true, Path: messages(conversationID, "messages", "bulk"), Body: ids,
	}, &answer)
	if err != nil {
		return nil, err
	}
	list := make([]StoredMessage, 0, len(answer.Entities))
	for _, w := range answer.Entities {
		list = append(list, w.stored())
	}
	slices.SortStableFunc(list, func(a, b StoredMessage) int { return a.Time.Compare(b.Time) })
	return list, nil
}

type wireStored struct {
	ID         string          `json:"id"`
	Direction  string          `json:"direction"`
	Timestamp  wireTime        `json:"timestamp"`
	Status     string          `json:"status"`
	Normalized json.RawMessage `json:"normalizedMessage"`
}

// stored is lenient: a message that cannot be parsed gets an unknown body, so that it does not hide
// the others.
func (w wireStored) stored() StoredMessage {
	m := StoredMessage{ID: w.ID, Time: w.Timestamp.Time, Status: w.Status, Outbound: strings.EqualFold(w.Direction, "outbound")}
	var err error
	if m.Message, err = openmessaging.ParseOutbound(w.Normalized); err != nil {
		m.Message = openmessaging.Outbound{Body: openmessaging.UnknownBody{}}
	}
	m.Message.ID = cmp.Or(m.Message.ID, m.ID)
	if m.Message.Time.IsZero() {
		m.Message.Time = m.Time
	}
	return m
}
