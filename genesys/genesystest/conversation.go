package genesystest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// A Conversation is one of the organisation's, as an observer sees it who is not bound by permissions. A conversation that
// was revived stays the same. Safe for concurrent use.
type Conversation struct {
	o        *Org
	id       string
	via      *Integration
	customer recipient
	started  time.Time
	ended    time.Time // zero while it lives

	participants []*participant
	messages     []*message
	episode      int // the first message after the last revival
	transfers    []*transfer
	tried        map[*Agent]bool // who had the present offer and did not take it
	again        bool            // all will be asked again
	history      []snapshot
	typingUntil  time.Time
	toldQueues   []*Queue // whom the last notifications went to
	toldAgents   []*Agent
}

// a recipient is the customer as the last message named them.
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

// Conversation of a customer, the newest; nil if there is none. A customer who is another person to Genesys at every
// handover ("<customer>~<handover>") is found by the first part too.
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

// Conversations lists all of them, oldest first.
func (o *Org) Conversations() []*Conversation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]*Conversation(nil), o.conversations...)
}

func (o *Org) conversation(id string) *Conversation { return o.byID[id] }

// enter finds the conversation a customer's message belongs to: the one that is connected, the one that ended within the
// thread window, which it revives, or a new one. joined: it was connected.
func (o *Org) enter(via *Integration, from recipient, attributes map[string]string) (c *Conversation, joined bool) {
	c = o.thread(via, from.ID)
	if c == nil {
		c = &Conversation{o: o, via: via, id: o.uuid("conversation"), started: now(), tried: map[*Agent]bool{}}
		o.conversations = append(o.conversations, c)
		o.threads[via.id+from.ID], o.byID[c.id] = c, c
	}
	c.customer = from
	leg := c.customerLeg()
	joined = leg != nil
	if !joined {
		c.ended, c.episode = time.Time{}, len(c.messages)
		clear(c.tried)
		leg = o.join(c, purposeCustomer, from.display(), stateConnected)
		o.startFlow(c, leg)
	}
	maps.Copy(leg.attributes, attributes)
	return c, joined
}

func (o *Org) thread(via *Integration, customerID string) *Conversation {
	c := o.threads[via.id+customerID]
	if c == nil || (!c.ended.IsZero() && now().Sub(c.ended) >= o.opt.window) {
		return nil
	}
	return c
}

// end ends c for everybody, because by left. Call it with the lock; the caller touches.
func (o *Org) end(c *Conversation, by *participant, how string) {
	by.disconnect(how)
	for _, p := range c.participants {
		if p.live() {
			p.disconnect(byPeer)
		}
		if p.ended.Equal(by.ended) {
			o.wrapUp(c, p)
		}
	}
	c.ended = by.ended
	o.kick()
}

// wrapUp begins the after-call work of an agent who had the conversation and left it.
func (o *Org) wrapUp(c *Conversation, p *participant) {
	if o.opt.wrapup <= 0 || !p.acwStart.IsZero() || p.agent == nil || p.watches != nil || p.connected.IsZero() {
		return
	}
	p.acwStart = p.ended
	o.after(o.opt.wrapup, func() { o.wrappedUp(c, p) })
}

func (o *Org) wrappedUp(c *Conversation, p *participant) {
	if !p.acwEnd.IsZero() {
		return
	}
	p.acwEnd = now()
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
