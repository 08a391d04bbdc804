package genesys

import (
	"context"
	"errors"
	"net/http"
)

// Disconnect ends the conversation for everybody. One that has ended, or that nobody takes part in, is nil without a call.
// A repeat is harmless and made. A 2xx does not prove the end: read the conversation.
//
// Two ways are tried: the customer's communication is disconnected, which by the documentation needs no permission, then
// the whole conversation, which needs conversation:communication:disconnect. A read of a message conversation does not
// name the customer's communication; it is taken from the peer of the queue's or the agent's leg (INFERENCE: peer is "the
// peer communication corresponding to a matching leg"). Where no leg names it, or the read is forbidden, only the second
// way is left. A refusal of both is the second's error: its 403 names the missing permission.
//
// Open Messaging has no event for a customer who leaves.
// See https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundEventMessages
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

// stateRequest is all that ends something: the conversation's schema asks for its start and participants too, which no
// client sends.
type stateRequest struct {
	State string `json:"state"`
}

// badRequest: the communication was not one, since its id is only inferred.
func badRequest(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.StatusCode == http.StatusBadRequest
}

// live: does anybody but a finished customer take part? An agent left behind by the customer ends by himself.
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

// customerCommunication finds the live customer and the communication that is theirs. c may be nil.
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
