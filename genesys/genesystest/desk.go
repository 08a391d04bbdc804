package genesystest

import "encoding/json"

// A Desk is a conversation as its agent sees it. What an agent does at a desk the conversation has left (the customer went,
// it was transferred) has no effect, and messages have no id: that is a race every agent knows, not a mistake. Safe for
// concurrent use.
type Desk struct {
	o   *Org
	c   *Conversation
	leg *participant
}

// Conversation is the one at the desk.
func (d *Desk) Conversation() *Conversation { return d.c }

// Active reports whether the agent still has the conversation, connected or parked.
func (d *Desk) Active() bool {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	return d.has()
}

func (d *Desk) has() bool { return d.leg.talks() }

func (d *Desk) writes() bool { return d.has() && d.leg.state == stateConnected }

// Say sends text to the customer and returns the message's id.
func (d *Desk) Say(text string) (messageID string) { return d.send(outgoing{text: text}) }

// Attach sends a file. The customer gets its address, which HTTPClient and Handler serve.
func (d *Desk) Attach(mime, name string, content []byte) (messageID string) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if !d.has() {
		return ""
	}
	a := d.o.store(mime, name, content)
	return d.o.send(d.c, d.signed(outgoing{
		content: encode([]attachmentContent{{ContentType: "Attachment", Attachment: a}}), url: a.URL,
	}))
}

// QuickReplies sends a question with prepared answers, which a bot flow would send at Genesys; its payloads are the texts.
func (d *Desk) QuickReplies(text string, replies ...string) (messageID string) {
	content := make([]quickReplyContent, 0, len(replies))
	for _, r := range replies {
		content = append(content, quickReplyContent{"QuickReply", quickReply{Text: r, Payload: r, Action: "Message"}})
	}
	return d.send(outgoing{kind: "Structured", text: text, content: encode(content)})
}

// Post sends a webhook body of your own, for kinds that have no method here. What a JSON object lacks of the envelope (id,
// channel, type, originatingEntity, direction, conversationId) is filled in, and its id is returned; anything else is
// posted as it is, with an id only the organisation knows.
func (d *Desk) Post(body []byte) (messageID string) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil || given == nil {
		return d.send(outgoing{verbatim: append([]byte(nil), body...)})
	}
	return d.send(outgoing{given: given})
}

// Type shows the customer that the agent types, unless WithoutTyping.
func (d *Desk) Type() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.writes() && !d.o.opt.noTyping {
		d.o.sendTyping(d.c)
	}
}

// TransferTo sends the conversation to a queue, which is made if need be. The agent's leg ends; the customer waits again.
func (d *Desk) TransferTo(queue string) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.has() {
		d.o.toQueue(d.c, d.leg, d.o.queueMade(queue))
		d.o.touch(d.c)
	}
}

// TransferToAgent asks another agent directly, who must exist. If they do not answer, the conversation goes back to the
// queue it came from.
func (d *Desk) TransferToAgent(name string) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	for _, a := range d.o.agents {
		if a.name == name && d.has() {
			d.o.toAgent(d.c, d.leg, a)
			d.o.touch(d.c)
		}
	}
}

// Park sets the conversation aside without ending it.
func (d *Desk) Park() { d.turn(stateConnected, stateParked) }

// Resume takes a parked conversation up again.
func (d *Desk) Resume() { d.turn(stateParked, stateConnected) }

func (d *Desk) turn(from, to string) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if !d.has() || d.leg.state != from {
		return
	}
	d.leg.state = to
	if to == stateParked {
		d.leg.parked = now()
	}
	d.o.touch(d.c)
}

// Leave is an agent who vanishes (a crash, a lost connection): the leg ends and the conversation goes back to its queue,
// unless another agent has it too.
func (d *Desk) Leave() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	d.depart(byNotAvailable)
}

// End closes the conversation for everybody. After-call work follows, if the organisation has it.
func (d *Desk) End() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.has() {
		d.o.end(d.c, d.leg, byClient)
		d.o.touch(d.c)
	}
}

// FinishWrapup ends the agent's after-call work before its time.
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
	if !d.writes() {
		return ""
	}
	return d.o.send(d.c, d.signed(m))
}

func (d *Desk) signed(m outgoing) outgoing {
	m.from, m.name, m.origin = "agent", d.leg.name, "Human"
	return m
}
