package simulation

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// A said is a message to the customer as Genesys keeps it.
type said struct {
	id   string // of its webhook; its text, too
	read string // as reads list it
	flow bool
	in   *conversation
	by   *leg // nil: the flow
	at   time.Duration

	lost bool                       // no attempt of its webhook arrives
	had  map[*replica]time.Duration // when it was fetched last
	kept string                     // under what id it is to be delivered; empty: nobody has stored it
}

// says notes a message; its webhook follows.
func (g *cloud) says(c *conversation, by *leg, id string) *said {
	m := &said{id: id, read: id, flow: by == nil, in: c, by: by, at: g.w.now.Truncate(time.Millisecond), had: map[*replica]time.Duration{}, lost: g.w.happens(faultLetter)}
	if g.w.plan.foreign != "" {
		m.read = "x" + id
	}
	c.said = append(c.said, m)
	return m
}

// A wireRef is a MessageDetails.
type wireRef struct {
	ID     string `json:"messageId"`
	Status string `json:"messageStatus"`
	Time   string `json:"messageTime"`
}

// lists are the messages of a leg as a read shows them that shows what was at a time. by: nil, the flow's.
func (c *conversation) lists(by string, at time.Duration) []wireRef {
	list := []wireRef{}
	for _, m := range c.said {
		if m.at <= at && (by == "" && m.by == nil || m.by != nil && m.by.id == by) {
			list = append(list, wireRef{m.read, "sent", wireTime(m.at)})
		}
	}
	return list
}

// hears are the messages of the customer; all are of his last leg.
func (c *conversation) hears(at time.Duration) []wireRef {
	list := []wireRef{}
	for _, p := range c.posts {
		if p.at <= at {
			list = append(list, wireRef{p.id, "received", wireTime(p.at)})
		}
	}
	return list
}

// readMessages gives messages by the ids that reads list: what it does not know is left out.
func (g *cloud) readMessages(x *exchange, id string) reply {
	var ids []string
	c := g.find(id)
	switch {
	case c == nil:
		return refused(http.StatusNotFound, "not.found")
	case g.w.plan.has(faultUnseen):
		return replied(http.StatusForbidden, `{"status":403,"code":"missing.permissions","message":"You are missing the following permission(s): `+
			`conversation:message:view","messageParams":{"permissions":"conversation:message:view"}}`)
	case json.Unmarshal(x.body, &ids) != nil:
		return refused(http.StatusBadRequest, "bad.request")
	}
	entities := []any{}
	for _, m := range c.said {
		if slices.Contains(ids, m.read) && m.at <= g.w.now {
			entities = append(entities, m.stored(g.w.plan.foreign))
		}
	}
	g.w.tell(customerOf(c.customer), "%s fetches %v of %s", x.r.name, ids, id)
	body, _ := json.Marshal(map[string]any{"entities": entities}) //nolint:errchkjson // strings
	return replied(http.StatusOK, string(body))
}

// stored is a MessageData. Which id its normalized message has where ids differ is uncertain.
func (m *said) stored(foreign string) any {
	type party struct {
		ID string `json:"id"`
	}
	id, origin := m.read, "Human"
	if foreign == foreignReads {
		id = m.id
	}
	if m.flow {
		origin = "Bot"
	}
	at := wireTime(m.at)
	return map[string]any{
		"id": m.read, "direction": "outbound", "timestamp": at, "status": "sent", "conversationId": m.in.id,
		"normalizedMessage": map[string]any{
			"id": id, "type": "Text", "text": m.id, "originatingEntity": origin, "direction": "Outbound",
			"channel": map[string]any{"id": integration, "messageId": id, "to": party{m.in.customer}, "from": party{integration}, "time": at},
		},
	}
}
