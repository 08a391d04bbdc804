package genesystest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// A Conversation shows one conversation of the organisation to a test, regardless of permissions.
// It stays the same Conversation when a customer's message revives it. Safe for concurrent use.
type Conversation struct {
	o           *Org
	id          string
	integration *Integration
	customer    recipient
	started     time.Time
	ended       time.Time // zero while the customer is connected

	participants   []*participant
	messages       []*message
	revivedAt      int // index of the first message after the last revival
	transfers      []*transfer
	declined       map[*Agent]bool // agents who declined the present offer or did not answer it
	retryPlanned   bool            // the offer to all agents again is planned
	history        []snapshot
	typingUntil    time.Time
	notifiedQueues []*Queue // owners at the time of the last notifications
	notifiedAgents []*Agent
}

// A recipient is the customer as named by their last message.
type recipient struct {
	ID        string `json:"id"`
	IDType    string `json:"idType,omitempty"`
	Nickname  string `json:"nickname,omitempty"`
	FirstName string `json:"firstName,omitempty"`
	LastName  string `json:"lastName,omitempty"`
	Image     string `json:"image,omitempty"`
	Email     string `json:"email,omitempty"`
}

func (r recipient) display() string {
	if r.Nickname != "" {
		return r.Nickname
	}
	if name := strings.TrimSpace(r.FirstName + " " + r.LastName); name != "" {
		return name
	}
	return r.ID
}

// Conversation returns the newest conversation of a customer, or nil. customerID is from.id of
// the customer's messages, or the part of it before "~": a handover may use
// "<customer>~<handover>" as the id.
func (o *Org) Conversation(customerID string) *Conversation {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range slices.Backward(o.conversations) {
		if c.customer.ID == customerID || strings.HasPrefix(c.customer.ID, customerID+"~") {
			return c
		}
	}
	return nil
}

// Conversations returns all conversations, oldest first.
func (o *Org) Conversations() []*Conversation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]*Conversation(nil), o.conversations...)
}

func (o *Org) conversation(id string) *Conversation { return o.byID[id] }

// openOrJoin returns the conversation that a customer's message belongs to: the connected one, or
// the one that ended within the thread window, which it revives, or a new one. joined reports
// whether it was connected.
func (o *Org) openOrJoin(via *Integration, from recipient, attributes map[string]string) (c *Conversation, joined bool) {
	c = o.thread(via, from.ID)
	if c == nil {
		c = &Conversation{o: o, integration: via, id: o.uuid("conversation"), started: o.now(), declined: map[*Agent]bool{}}
		o.conversations = append(o.conversations, c)
		o.threads[via.id+from.ID], o.byID[c.id] = c, c
	}
	c.customer = from
	leg := c.customerLeg()
	joined = leg != nil
	if !joined {
		c.ended, c.revivedAt = time.Time{}, len(c.messages)
		clear(c.declined)
		leg = o.join(c, purposeCustomer, from.display(), stateConnected)
		o.startFlow(c, leg)
	}
	maps.Copy(leg.attributes, attributes)
	return c, joined
}

func (o *Org) thread(via *Integration, customerID string) *Conversation {
	c := o.threads[via.id+customerID]
	if c == nil || (!c.ended.IsZero() && o.now().Sub(c.ended) >= o.opt.threadWindow) {
		return nil
	}
	return c
}

// end ends the conversation for all legs, after by left. The caller holds the lock and calls
// touch.
func (o *Org) end(c *Conversation, by *participant, how string) {
	by.disconnect(how)
	for _, p := range c.participants {
		if p.live() {
			p.disconnect(disconnectPeer)
		}
		if p.ended.Equal(by.ended) {
			o.wrapUp(c, p)
		}
	}
	c.ended = by.ended
	o.offerWaiting()
}

// wrapUp starts the after-call work of an agent who had the conversation and left it.
func (o *Org) wrapUp(c *Conversation, p *participant) {
	if o.opt.wrapup <= 0 || !p.acwStart.IsZero() || p.agent == nil || !p.full() || p.connected.IsZero() {
		return
	}
	p.acwStart = p.ended
	o.after(o.opt.wrapup, func() { o.wrappedUp(c, p) })
}

func (o *Org) wrappedUp(c *Conversation, p *participant) {
	if !p.acwEnd.IsZero() {
		return
	}
	p.acwEnd = o.now()
	o.touch(c)
}

func (c *Conversation) attributes() map[string]string {
	for _, p := range slices.Backward(c.participants) {
		if p.purpose == purposeCustomer {
			return maps.Clone(p.attributes)
		}
	}
	return nil
}

// ID returns the conversation's id.
func (c *Conversation) ID() string { return c.id }

// Phase returns the state of the conversation: "notRouted" (only the customer is connected),
// "flow", "queued", "alerting", "connected", "parked" (by the agent), "wrapup" (ended, an agent
// does after-call work) or "ended".
func (c *Conversation) Phase() string {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	return c.phase()
}

func (c *Conversation) phase() string {
	if c.customerLeg() == nil {
		for _, p := range c.participants {
			if p.wrapping() {
				return "wrapup"
			}
		}
		return "ended"
	}
	if agent := c.connectedAgent(); agent != nil {
		return agent.state
	}
	switch {
	case c.alertingLeg() != nil:
		return "alerting"
	case c.leg(purposeACD) != nil:
		return "queued"
	case c.leg(purposeWorkflow) != nil:
		return "flow"
	default:
		return "notRouted"
	}
}

// Queue returns the name of the queue in which the conversation waits, or from which its agent
// got it. It returns "" if there is none.
func (c *Conversation) Queue() string {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	if p := c.first(func(p *participant) bool { return p.queue != nil }); p != nil {
		return p.queue.name
	}
	return ""
}

// CustomerID returns from.id of the customer's messages.
func (c *Conversation) CustomerID() string {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	return c.customer.ID
}

// Attributes returns the participant data of the customer.
func (c *Conversation) Attributes() map[string]string {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	return c.attributes()
}

// Status returns the delivery state of a message. A message to the customer is "Sent", then what
// receipts report ("Delivered" or "Failed"), or "Failed" if the webhook did not accept it. A
// message from the customer is "Published". For an unknown id Status returns "".
func (c *Conversation) Status(messageID string) string {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	if m := c.o.messages[messageID]; m != nil && m.c == c {
		return m.status
	}
	return ""
}

// FailureReason returns the code of the receipt that reported a failure, or "".
func (c *Conversation) FailureReason(messageID string) string {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	if m := c.o.messages[messageID]; m != nil && m.c == c {
		return m.reason
	}
	return ""
}

// An Entry is one message of a conversation.
type Entry struct {
	ID         string
	ProviderID string // channel.messageId of a message from the customer
	Time       time.Time
	From       string // "customer", "agent" or "flow"
	Name       string // of the customer or the agent
	Text       string
	URL        string // of an attachment
}

// Transcript returns the messages of the conversation in order, including those before a revival.
func (c *Conversation) Transcript() []Entry {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	list := make([]Entry, 0, len(c.messages))
	for _, m := range c.messages {
		list = append(list, Entry{
			ID: m.id, ProviderID: m.providerID, Time: m.at, From: m.from, Name: m.name, Text: m.text, URL: m.url,
		})
	}
	return list
}

// FlowSays sends a message to the customer as the Send Response action of an Architect flow does:
// its originatingEntity is Bot. It returns the message's id, or "" after the end of the
// conversation.
func (c *Conversation) FlowSays(text string) (messageID string) {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	if c.customerLeg() == nil {
		return ""
	}
	return c.o.send(c, outgoing{from: "flow", name: "Handover", origin: "Bot", text: text})
}

// Disconnect ends the conversation from Genesys' side, as inactivity or an administrator does.
// how is the disconnect type of the customer's leg: "inactivity", "system", "error" or another
// one of the API.
func (c *Conversation) Disconnect(how string) {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	customer := c.customerLeg()
	if customer == nil {
		return
	}
	for _, p := range c.participants {
		p.disconnect(how)
	}
	c.o.end(c, customer, how)
	c.o.touch(c)
}

// A snapshot holds an earlier state of a conversation, for stale reads. It holds which messages a
// leg listed; the messages themselves have their present state.
type snapshot struct {
	at           time.Time
	participants []*participant
	transfers    []*transfer
}

// snapshots is how many states of a conversation are kept.
const snapshots = 128

// addSnapshot stores the present state. The caller holds the lock and has just changed the
// conversation.
func (c *Conversation) addSnapshot() {
	s := snapshot{at: time.Now()}
	for _, p := range c.participants {
		then := *p
		then.attributes = maps.Clone(p.attributes)
		s.participants = append(s.participants, &then)
	}
	for _, t := range c.transfers {
		s.transfers = append(s.transfers, new(*t))
	}
	c.history = append(c.history, s)
	if len(c.history) > snapshots {
		c.history = c.history[len(c.history)-snapshots:]
	}
}

// asOf returns the state of the conversation at t, or nil if it did not exist or its state is no
// longer kept.
func (c *Conversation) asOf(t time.Time) *Conversation {
	for _, s := range slices.Backward(c.history) {
		if !s.at.After(t) {
			return &Conversation{
				o: c.o, integration: c.integration, id: c.id, customer: c.customer, started: c.started, participants: s.participants, transfers: s.transfers,
			}
		}
	}
	return nil
}
