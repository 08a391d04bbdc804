package genesystest

import (
	"encoding/json"
	"time"
)

func (o *Org) getMessageConversation(c *call) answer {
	found := o.conversation(c.vars["conversation"])
	if found == nil {
		return gone("conversation")
	}
	if c.fault != nil && c.fault.Stale > 0 {
		if found = found.asOf(time.Now().Add(-c.fault.Stale)); found == nil {
			return gone("conversation")
		}
	}
	return answerOK(o.messageConversation(found))
}

func (o *Org) getConversation(c *call) answer {
	found := o.conversation(c.vars["conversation"])
	if found == nil {
		return gone("conversation")
	}
	return answerOK(o.genericConversation(found))
}

// messageData is a MessageData.
type messageData struct {
	ID                string     `json:"id"`
	ProviderMessageID string     `json:"providerMessageId,omitempty"`
	Timestamp         string     `json:"timestamp"`
	FromAddress       string     `json:"fromAddress"`
	ToAddress         string     `json:"toAddress"`
	Direction         string     `json:"direction"`
	MessengerType     string     `json:"messengerType"`
	Status            string     `json:"status"`
	Normalized        normalized `json:"normalizedMessage"`
	ConversationID    string     `json:"conversationId"`
	SelfURI           string     `json:"selfUri"`
}

// normalized is a ConversationNormalizedMessage.
type normalized struct {
	ID                string            `json:"id"`
	Channel           normalizedChannel `json:"channel"`
	Type              string            `json:"type"`
	Text              string            `json:"text,omitempty"`
	Content           json.RawMessage   `json:"content,omitempty"`
	OriginatingEntity string            `json:"originatingEntity,omitempty"`
	Direction         string            `json:"direction"`
}

type normalizedChannel struct {
	ID        string    `json:"id"`
	Platform  string    `json:"platform"`
	Type      string    `json:"type"`
	MessageID string    `json:"messageId,omitempty"`
	To        recipient `json:"to"`
	From      recipient `json:"from"`
	Time      string    `json:"time"`
}

func (o *Org) messageData(m *message) messageData {
	customer, here := m.c.customer, recipient{ID: m.c.via.id, IDType: "Opaque", Nickname: m.c.via.name}
	from, to, direction, wireDirection := here, customer, "outbound", "Outbound"
	if m.inbound() {
		from, to, direction, wireDirection = customer, here, "inbound", "Inbound"
	}
	id := o.readID(m)
	providerID := m.providerID
	if providerID == "" {
		providerID = m.id
	}
	return messageData{
		ID: id, ProviderMessageID: m.providerID, Timestamp: stamp(m.at), FromAddress: from.ID, ToAddress: to.ID,
		Direction: direction, MessengerType: "open", Status: m.wireStatus(), ConversationID: m.c.id,
		SelfURI: "/api/v2/conversations/messages/" + m.c.id + "/messages/" + id,
		Normalized: normalized{
			ID: m.id, Type: m.kind, Text: m.text, Content: m.content, OriginatingEntity: m.origin, Direction: wireDirection,
			Channel: normalizedChannel{
				ID: m.c.via.id, Platform: "Open", Type: "Private", MessageID: providerID, To: to, From: from, Time: stamp(m.at),
			},
		},
	}
}

// readable finds a message by the id that reads use, within a conversation if one is named.
func (o *Org) readable(conversationID, id string) *message {
	for _, c := range o.conversations {
		if conversationID != "" && c.id != conversationID {
			continue
		}
		for _, m := range c.messages {
			if o.readID(m) == id {
				return m
			}
		}
	}
	return nil
}

func (o *Org) getMessage(c *call) answer {
	m := o.readable(c.vars["conversation"], c.vars["message"])
	if m == nil {
		return gone("message")
	}
	return answerOK(o.messageData(m))
}

func (o *Org) postBulk(c *call) answer {
	var ids []string
	if wrong := decodeBody(c, &ids); wrong != nil {
		return *wrong
	}
	out := struct {
		Entities []messageData `json:"entities"`
	}{[]messageData{}}
	for _, id := range ids {
		if m := o.readable(c.vars["conversation"], id); m != nil {
			out.Entities = append(out.Entities, o.messageData(m))
		}
	}
	return answerOK(out)
}
