package genesystest

import "time"

// ID is the conversation's id.
func (c *Conversation) ID() string { return c.id }

// Phase says where the conversation stands: "notRouted" (nobody but the customer), "flow", "queued", "alerting",
// "connected", "parked" (by the agent), "wrapup" (over, an agent does after-call work) or "ended".
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
	if agent := c.talker(); agent != nil {
		return agent.state
	}
	switch {
	case c.ringing() != nil:
		return "alerting"
	case c.leg(purposeACD) != nil:
		return "queued"
	case c.leg(purposeWorkflow) != nil:
		return "flow"
	default:
		return "notRouted"
	}
}

// Queue is the name of the queue the conversation stands in, or came to its agent from; empty without one.
func (c *Conversation) Queue() string {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	if p := c.first(func(p *participant) bool { return p.queue != nil }); p != nil {
		return p.queue.name
	}
	return ""
}

// CustomerID is the customer as Genesys knows them: from.id of their messages.
func (c *Conversation) CustomerID() string {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	return c.customer.ID
}

// Attributes is the participant data of the customer.
func (c *Conversation) Attributes() map[string]string {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	return c.attributes()
}

// Status is what became of a message to the customer: "Sent", then what receipts said ("Delivered", "Failed"), or "Failed"
// when the webhook did not take it. Of a message from the customer it is "Published". Empty: no such message.
func (c *Conversation) Status(messageID string) string {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	if m := c.o.messages[messageID]; m != nil && m.c == c {
		return m.status
	}
	return ""
}

// FailureReason is the code of the receipt that said Failed, empty if none did.
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

// Transcript lists the messages of the conversation in the order they came, also those from before a revival.
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

// FlowSays sends a message of Architect's to the customer, as a flow's Send Response does: its originatingEntity is Bot.
// It returns the message's id, empty if the conversation is over.
func (c *Conversation) FlowSays(text string) (messageID string) {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	if c.customerLeg() == nil {
		return ""
	}
	return c.o.send(c, outgoing{from: "flow", name: "Handover", origin: "Bot", text: text})
}

// Disconnect ends the conversation from Genesys' side, as inactivity or an administrator does. how is the customer leg's
// disconnect type: "inactivity", "system", "error" or another of the API's.
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
