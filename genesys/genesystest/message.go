package genesystest

import (
	"encoding/json"
	"time"
)

// A message is one of a conversation, in either direction.
type message struct {
	id, providerID string
	c              *Conversation
	at             time.Time // channel.time
	from, name     string    // "customer", "agent", "flow"; the display name
	origin         string    // Human or Bot, for what goes out
	kind           string    // Text or Structured
	text, url      string
	content        json.RawMessage
	status         string // as receipts say it
	reason         string // of a failure, as a receipt names it
}

func (m *message) inbound() bool { return m.from == "customer" }

// wireStatus is the status as a read of the conversation shows it.
func (m *message) wireStatus() string {
	switch {
	case m.inbound():
		return "received"
	case m.status == "Delivered":
		return "delivery-success"
	case m.status == "Failed":
		return "delivery-failed"
	default:
		return "sent"
	}
}

// readID is the id that reads of the conversation use.
func (o *Org) readID(m *message) string {
	if !o.opt.foreignIDs {
		return m.id
	}
	n := 0
	for _, b := range []byte(m.id) {
		n = (n*31 + int(b)) & 0x7fffffff
	}
	return o.derive("read-id", n)
}

// add puts m into its conversation and under the eyes of every live leg. Which legs list which messages at Genesys is
// UNCERTAIN; the customer's leg lists all of them here, others those of their time.
func (o *Org) add(m *message) {
	o.messages[m.id] = m
	m.c.messages = append(m.c.messages, m)
	for _, p := range m.c.participants {
		if p.live() {
			p.messages = append(p.messages, m)
		}
	}
}
