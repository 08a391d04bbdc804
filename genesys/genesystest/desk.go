package genesystest

import (
	"encoding/json"
	"time"
)

// A Desk is a conversation as its agent sees it. After the end of the agent's part (the customer
// left, the conversation was transferred) its methods have no effect and return no message id.
// Agents lose such races at Genesys, too, so it does not fail the test. Safe for concurrent use.
type Desk struct {
	o   *Org
	c   *Conversation
	leg *participant
}

// Conversation returns the conversation at the desk.
func (d *Desk) Conversation() *Conversation { return d.c }

// Active reports whether the agent still has the conversation, connected or parked.
func (d *Desk) Active() bool {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	return d.hasConversation()
}

func (d *Desk) hasConversation() bool { return d.leg.hasConversation() }

func (d *Desk) canWrite() bool { return d.hasConversation() && d.leg.state == stateConnected }

// Say sends a text to the customer and returns the message's id.
func (d *Desk) Say(text string) (messageID string) { return d.send(outgoing{text: text}) }

// Attach sends a file and returns the message's id. The webhook has the file's address, which
// HTTPClient and Handler serve.
func (d *Desk) Attach(mime, name string, content []byte) (messageID string) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if !d.hasConversation() {
		return ""
	}
	a := d.o.store(mime, name, content)
	return d.o.send(d.c, d.asAgent(outgoing{
		content: encode([]attachmentContent{{ContentType: "Attachment", Attachment: a}}), url: a.URL,
	}))
}

// QuickReplies sends a question with prepared answers and returns the message's id. The payload
// of each answer is its text. At Genesys bot flows send such messages.
func (d *Desk) QuickReplies(text string, replies ...string) (messageID string) {
	content := make([]quickReplyContent, 0, len(replies))
	for _, r := range replies {
		content = append(content, quickReplyContent{"QuickReply", quickReply{Text: r, Payload: r, Action: "Message"}})
	}
	return d.send(outgoing{kind: "Structured", text: text, content: encode(content)})
}

// Post sends a webhook body that the test wrote, for kinds of messages without a method here, and
// returns the message's id. Post adds the envelope properties that a JSON object lacks: id,
// channel, type, originatingEntity, direction, conversationId. It sends any other body unchanged.
func (d *Desk) Post(body []byte) (messageID string) {
	var properties map[string]json.RawMessage
	if err := json.Unmarshal(body, &properties); err != nil || properties == nil {
		return d.send(outgoing{verbatim: append([]byte(nil), body...)})
	}
	return d.send(outgoing{properties: properties})
}

// Type shows the customer that the agent types. It has no effect with WithoutTyping.
func (d *Desk) Type() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.canWrite() && !d.o.opt.noTyping {
		d.o.sendTyping(d.c)
	}
}

// TransferTo sends the conversation to a queue, which is made if need be. The agent's leg ends
// after Pace.Transfer.
func (d *Desk) TransferTo(queue string) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.hasConversation() {
		d.o.toQueue(d.c, d.leg, d.o.ensureQueue(queue))
		d.o.touch(d.c)
	}
}

// TransferToAgent offers the conversation to another agent, who must exist. If that agent does
// not accept, the conversation returns to the queue it was in.
func (d *Desk) TransferToAgent(name string) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	for _, a := range d.o.agents {
		if a.name == name && d.hasConversation() {
			d.o.toAgent(d.c, d.leg, a)
			d.o.touch(d.c)
		}
	}
}

// Park sets the conversation aside without ending it.
func (d *Desk) Park() { d.setState(stateConnected, stateParked) }

// Resume connects a parked conversation again.
func (d *Desk) Resume() { d.setState(stateParked, stateConnected) }

func (d *Desk) setState(from, to string) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if !d.hasConversation() || d.leg.state != from {
		return
	}
	d.leg.state = to
	if to == stateParked {
		d.leg.parked = d.o.now()
	}
	d.o.touch(d.c)
}

// Leave ends the agent's part as a crash or a lost connection does. The conversation returns to
// its queue, unless another agent has it, too.
func (d *Desk) Leave() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	d.endPart(disconnectNotAvailable)
}

// Consult offers the conversation to a second agent, who is made if need be. Once accepted, both
// agents can write to the customer. Either can StepOut; End at either desk ends the conversation.
// How a read of a message conversation shows a consultation is UNCERTAIN: here it is an ordinary
// agent's leg, and only the form for all media has consultParticipantId.
func (d *Desk) Consult(agent string) {
	a := d.o.Agent(agent)
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.hasConversation() {
		d.o.alert(d.c, a, d.leg.queue).consultedBy = d.leg
		d.o.touch(d.c)
	}
}

// StepOut ends this desk's part alone, with the disconnect type client, as when an agent ends a
// conversation. Other agents keep the conversation; without one it returns to its queue. A
// supervisor who monitors stops doing so.
func (d *Desk) StepOut() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.leg.full() {
		d.endPart(disconnectClient)
	} else if d.leg.live() {
		d.leg.disconnect(disconnectClient)
		d.o.touch(d.c)
	}
}

// endPart ends the leg of an agent in a conversation that continues.
func (d *Desk) endPart(how string) {
	if !d.hasConversation() {
		return
	}
	d.leg.disconnect(how)
	d.o.wrapUp(d.c, d.leg)
	d.c.endMonitorLegs()
	if d.c.connectedAgent() == nil {
		d.o.enqueue(d.c, d.leg.queue)
		return
	}
	d.o.touch(d.c)
}

// LeaveOpen ends the agent's part and leaves the customer connected, without a queue and without
// an agent. No agent reads what the customer writes until the program or Genesys ends the
// conversation. Genesys documents how to end such interactions under "Disconnect interactions".
// LeaveOpen has no effect while another agent has the conversation.
func (d *Desk) LeaveOpen() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if !d.hasConversation() || d.c.first(func(p *participant) bool { return p != d.leg && p.hasConversation() }) != nil {
		return
	}
	d.leg.disconnect(disconnectClient)
	d.o.wrapUp(d.c, d.leg)
	for _, p := range d.c.participants {
		if p.purpose != purposeCustomer && p.live() {
			p.disconnect(disconnectPeer)
		}
	}
	d.o.touch(d.c)
	d.o.offerWaiting()
}

// End ends the conversation for all participants. After-call work follows with WithWrapup.
func (d *Desk) End() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.hasConversation() {
		d.o.end(d.c, d.leg, disconnectClient)
		d.o.touch(d.c)
	}
}

// FinishWrapup ends the agent's after-call work early.
func (d *Desk) FinishWrapup() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if !d.leg.acwStart.IsZero() {
		d.o.wrappedUp(d.c, d.leg)
	}
}

func (d *Desk) send(m outgoing) string {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if !d.canWrite() {
		return ""
	}
	return d.o.send(d.c, d.asAgent(m))
}

func (d *Desk) asAgent(m outgoing) outgoing {
	m.from, m.name, m.origin = "agent", d.leg.name, "Human"
	return m
}

// Texts returns the texts of the customer since the conversation began or was revived, in the
// order in which the agent reads them. A transcript that a bot sends in the first message is one
// of them.
func (d *Desk) Texts() []string {
	return d.fromCustomer(func(m *message) string { return m.text })
}

// Attachments returns the addresses of the customer's attachments since the conversation began or
// was revived.
func (d *Desk) Attachments() []string {
	return d.fromCustomer(func(m *message) string { return m.url })
}

// fromCustomer returns a property of each message of the customer that has it, since the
// conversation began or was revived.
func (d *Desk) fromCustomer(property func(*message) string) []string {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	var list []string
	for _, m := range d.c.messages[d.c.revivedAt:] {
		if v := property(m); m.inbound() && v != "" {
			list = append(list, v)
		}
	}
	return list
}

// Attributes returns the participant data of the customer, which the bot may have set.
func (d *Desk) Attributes() map[string]string { return d.c.Attributes() }

// Status returns the delivery state of one of the agent's messages: "Sent", "Delivered" or
// "Failed".
func (d *Desk) Status(messageID string) string { return d.c.Status(messageID) }

// CustomerTyping reports whether the agent sees that the customer types.
func (d *Desk) CustomerTyping() bool {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	return time.Now().Before(d.c.typingUntil)
}
