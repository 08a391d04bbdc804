package genesystest

import (
	"encoding/json"
	"net/http"
)

// mediaRequest is a MediaParticipantRequest.
type mediaRequest struct {
	Wrapup        *map[string]any `json:"wrapup"`
	State         *string         `json:"state"`
	Recording     *bool           `json:"recording"`
	Muted         *bool           `json:"muted"`
	Confined      *bool           `json:"confined"`
	Held          *bool           `json:"held"`
	WrapupSkipped *bool           `json:"wrapupSkipped"`
	ResumeTime    *string         `json:"resumeTime"`
}

// conversationRequest is a Conversation as a request: one property matters.
type conversationRequest struct {
	State *string `json:"state"`

	StartTime    json.RawMessage `json:"startTime"`
	Participants json.RawMessage `json:"participants"`
}

// patchConversation is PATCH /conversations/messages/{id}: its one use is {"state":"disconnected"}, which ends the
// conversation for everybody. The definition requires startTime and participants as well, which no published client sends;
// they are taken and ignored.
func (o *Org) patchConversation(c *call) answer {
	var in conversationRequest
	if wrong := decodeBody(c, &in); wrong != nil {
		return *wrong
	}
	if in.State == nil || *in.State != stateDisconnected {
		return badRequest("bad.request", "state", "has to be %q, nothing else can be changed", stateDisconnected)
	}
	found := o.conversation(c.vars["conversation"])
	if found == nil {
		return gone("conversation")
	}
	o.endFor(found)
	return answerOK(o.genericConversation(found))
}

// deleteConversation is DELETE /conversations/{id}.
func (o *Org) deleteConversation(c *call) answer {
	found := o.conversation(c.vars["conversation"])
	if found == nil {
		return gone("conversation")
	}
	o.endFor(found)
	return answer{status: http.StatusOK}
}

// endFor ends c on behalf of the customer. Ending what has ended is no mistake.
func (o *Org) endFor(c *Conversation) {
	if customer := c.customerLeg(); customer != nil {
		o.end(c, customer, byClient)
		o.touch(c)
	}
}

// patchParticipant is PATCH .../participants/{id}.
func (o *Org) patchParticipant(c *call) answer {
	if a := o.disconnect(c); a != nil {
		return *a
	}
	return answerAccepted()
}

// patchCommunication is PATCH .../participants/{id}/communications/{id}, which asks for no permission.
func (o *Org) patchCommunication(c *call) answer {
	_, p, refused := o.target(c)
	if refused != nil {
		return *refused
	}
	if p.communication != c.vars["communication"] {
		return gone("communication")
	}
	if a := o.disconnect(c); a != nil {
		return *a
	}
	return answerOK(struct{}{})
}

// disconnect ends a leg, and with any leg that matters the conversation: nobody is left to talk to. Other changes of a leg
// are accepted and have no effect. The answer is nil unless the request is refused.
func (o *Org) disconnect(c *call) *answer {
	var in mediaRequest
	if wrong := decodeBody(c, &in); wrong != nil {
		return wrong
	}
	found, p, refused := o.target(c)
	if refused != nil {
		return refused
	}
	if in.State == nil {
		return nil
	}
	var k checks
	k.oneOf(*in.State, "state", stateConnected, stateDisconnected)
	if k.wrong != nil || *in.State != stateDisconnected || !p.live() {
		return k.wrong
	}
	if p.state == stateAlerting {
		o.unanswered(found, p, byClient)
		return nil
	}
	o.end(found, p, byClient)
	o.touch(found)
	return nil
}
