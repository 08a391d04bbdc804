package genesystest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"
)

// attributesBody is ParticipantAttributes.
type attributesBody struct {
	Attributes map[string]string `json:"attributes"`
}

// patchAttributes is PATCH /conversations/messages/{id}/participants/{id}/attributes, which
// answers with all attributes.
func (o *Org) patchAttributes(c *call) answer {
	p, refused := o.attribute(c)
	if refused != nil {
		return *refused
	}
	return answer{status: http.StatusAccepted, body: attributesBody{maps.Clone(p.attributes)}}
}

// patchAnyAttributes is the operation for all media, which answers without a body.
func (o *Org) patchAnyAttributes(c *call) answer {
	if _, refused := o.attribute(c); refused != nil {
		return *refused
	}
	return answerAccepted()
}

func (o *Org) attribute(c *call) (*participant, *answer) {
	var in attributesBody
	if wrong := decodeBody(c, &in); wrong != nil {
		return nil, wrong
	}
	found, p, refused := o.target(c)
	if refused != nil {
		return nil, refused
	}
	maps.Copy(p.attributes, in.Attributes)
	o.touch(found)
	return p, nil
}

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

// conversationRequest is a Conversation as a request body. Only state has an effect.
type conversationRequest struct {
	State *string `json:"state"`

	StartTime    json.RawMessage `json:"startTime"`
	Participants json.RawMessage `json:"participants"`
}

// patchConversation is PATCH /conversations/messages/{id}. Its only use is
// {"state":"disconnected"}, which ends the conversation for all participants. The definition also
// requires startTime and participants, which no published client sends. They are accepted and
// ignored.
func (o *Org) patchConversation(c *call) answer {
	var in conversationRequest
	if wrong := decodeBody(c, &in); wrong != nil {
		return *wrong
	}
	if in.State == nil || *in.State != stateDisconnected {
		return badRequest("bad.request", "state", "must be %q; nothing else can be changed", stateDisconnected)
	}
	found := o.conversation(c.vars["conversation"])
	if found == nil {
		return notFound("conversation")
	}
	o.endFor(found)
	return answerOK(o.genericConversation(found))
}

// deleteConversation is DELETE /conversations/{id}.
func (o *Org) deleteConversation(c *call) answer {
	found := o.conversation(c.vars["conversation"])
	if found == nil {
		return notFound("conversation")
	}
	o.endFor(found)
	return answer{status: http.StatusOK}
}

// endFor ends c on behalf of the customer. It has no effect after the end.
func (o *Org) endFor(c *Conversation) {
	if customer := c.customerLeg(); customer != nil {
		o.end(c, customer, disconnectClient)
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

// patchCommunication is PATCH .../participants/{id}/communications/{id}, which requires no
// permission.
func (o *Org) patchCommunication(c *call) answer {
	_, p, refused := o.target(c)
	if refused != nil {
		return *refused
	}
	if p.communication != c.vars["communication"] {
		return notFound("communication")
	}
	if a := o.disconnect(c); a != nil {
		return *a
	}
	return answerOK(struct{}{})
}

// disconnect ends a leg. The end of an alerting leg is a decline; the end of any other leg ends
// the conversation. Other changes of a leg are accepted without effect. It returns nil unless the
// request is refused.
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
		o.unanswered(found, p, disconnectClient)
		return nil
	}
	o.end(found, p, disconnectClient)
	o.touch(found)
	return nil
}

// A transfer is accepted first, performed a little later, and listed in recentTransfers.
type transfer struct {
	id, state   string
	issued      time.Time
	byUser      string
	destination string
	toUser      bool
}

const (
	transferPending  = "Pending"
	transferComplete = "Complete"
	transferFailed   = "Failed"
)

func (o *Org) command(c *Conversation, p *participant, destination string, toUser bool) *transfer {
	t := &transfer{id: o.uuid("transfer"), state: transferPending, issued: o.now(), destination: destination, toUser: toUser}
	if p.agent != nil {
		t.byUser = p.agent.id
	}
	c.transfers = append(c.transfers, t)
	if len(c.transfers) > 20 { // the API lists the last 20
		c.transfers = slices.Delete(c.transfers, 0, len(c.transfers)-20)
	}
	return t
}

// toQueue replaces a leg by a queue.
func (o *Org) toQueue(c *Conversation, p *participant, q *Queue) {
	t := o.command(c, p, q.id, false)
	o.after(o.opt.pace.Transfer, func() {
		if o.endForTransfer(c, p, t) {
			o.enqueue(c, q)
		}
	})
}

// toAgent replaces a leg by an offer to an agent. If the agent does not accept, the conversation
// returns to its queue.
func (o *Org) toAgent(c *Conversation, p *participant, a *Agent) {
	t := o.command(c, p, a.id, true)
	o.after(o.opt.pace.Transfer, func() {
		if o.endForTransfer(c, p, t) {
			o.alert(c, a, p.queue).direct = true
		}
	})
}

// endForTransfer ends the leg that a transfer replaces. It returns false if the leg had ended
// before.
func (o *Org) endForTransfer(c *Conversation, p *participant, t *transfer) bool {
	if !p.live() {
		t.state = transferFailed
		o.touch(c)
		return false
	}
	t.state = transferComplete
	p.disconnect(disconnectTransfer)
	o.wrapUp(c, p)
	c.endMonitorLegs()
	// An offer of the former queue, or the queue of a former offer.
	for _, other := range c.participants {
		if other.live() && (other.state == stateAlerting || other.purpose == purposeACD) {
			other.disconnect(disconnectTransfer)
		}
	}
	return true
}

// transferRequest has the properties of TransferRequest, TransferToQueueRequest and
// TransferToAgentRequest. Each operation refuses those that it does not have.
type transferRequest struct {
	TransferType    *string `json:"transferType"`
	KeepAlive       *bool   `json:"keepInternalMessageAlive"`
	QueueID         string  `json:"queueId"`
	QueueName       string  `json:"queueName"`
	UserID          string  `json:"userId"`
	UserName        string  `json:"userName"`
	UserDisplayName string  `json:"userDisplayName"`
	Address         string  `json:"address"`
	Voicemail       *bool   `json:"voicemail"`
}

// postReplaceQueue is POST /conversations/{id}/participants/{id}/replace/queue.
func (o *Org) postReplaceQueue(c *call) answer {
	in, wrong := readTransfer(c)
	if wrong != nil {
		return *wrong
	}
	if in.UserID+in.UserName+in.UserDisplayName+in.Address != "" || in.Voicemail != nil {
		return badRequest("bad.request", "", "A transfer to a queue has queueId or queueName, and nothing of a user")
	}
	if (in.QueueID == "") == (in.QueueName == "") {
		return badRequest("bad.request", "queueId", "or queueName is required, but not both")
	}
	return o.replace(c, in.QueueID+in.QueueName, "")
}

// postReplaceAgent is POST /conversations/{id}/participants/{id}/replace/agent.
func (o *Org) postReplaceAgent(c *call) answer {
	in, wrong := readTransfer(c)
	if wrong != nil {
		return *wrong
	}
	user := in.UserID + in.UserName + in.UserDisplayName
	if user == "" || in.QueueID+in.QueueName+in.Address != "" {
		return badRequest("bad.request", "userId", "or userName or userDisplayName is required, and nothing of a queue")
	}
	return o.replace(c, "", user)
}

// postReplace is POST .../participants/{id}/replace, of messages and, deprecated, of all media.
func (o *Org) postReplace(c *call) answer {
	in, wrong := readTransfer(c)
	if wrong != nil {
		return *wrong
	}
	if in.QueueName+in.UserDisplayName != "" {
		return badRequest("bad.request", "queueName", "and userDisplayName are not allowed; use queueId, userId, userName or address")
	}
	queue, user := in.QueueID, in.UserID+in.UserName
	if in.Address != "" && o.findQueue(in.Address) != nil {
		queue = in.Address
	} else if in.Address != "" {
		user = in.Address
	}
	if (queue == "") == (user == "") {
		return badRequest("bad.request", "queueId", "or userId, userName or address is required, with one target only")
	}
	return o.replace(c, queue, user)
}

func readTransfer(c *call) (in transferRequest, wrong *answer) {
	if wrong = decodeBody(c, &in); wrong != nil {
		return in, wrong
	}
	var k checks
	if in.TransferType != nil {
		k.oneOf(*in.TransferType, "transferType", "Attended", "Unattended")
	}
	return in, k.wrong
}

// replace accepts a transfer, which happens a little later and is always unattended. Only an acd
// leg or an agent's leg can be replaced.
func (o *Org) replace(c *call, queue, user string) answer {
	found, p, refused := o.target(c)
	if refused != nil {
		return *refused
	}
	if p.purpose != purposeACD && p.purpose != purposeAgent {
		return badRequest("bad.request", "participantId", "is a %s leg; only an acd or agent leg can be replaced", p.purpose)
	}
	if !p.live() {
		return conflict("The participant has left the conversation")
	}
	if user != "" {
		a := o.findAgent(user)
		if a == nil {
			return notFound("user")
		}
		o.toAgent(found, p, a)
		return answerAccepted()
	}
	q := o.findQueue(queue)
	if q == nil {
		return notFound("queue")
	}
	o.toQueue(found, p, q)
	return answerAccepted()
}

// target returns the leg in the path of a request.
func (o *Org) target(c *call) (*Conversation, *participant, *answer) {
	found := o.conversation(c.vars["conversation"])
	if found == nil {
		return nil, nil, new(notFound("conversation"))
	}
	p := found.participantByID(c.vars["participant"])
	if p == nil {
		return nil, nil, new(notFound("participant"))
	}
	return found, p, nil
}

func (o *Org) findAgent(name string) *Agent {
	for _, a := range o.agents {
		if a.id == name || a.name == name {
			return a
		}
	}
	return nil
}
