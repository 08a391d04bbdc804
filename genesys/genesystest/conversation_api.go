package genesystest

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

func (o *Org) getMessageConversation(c *call) answer {
	found := o.conversation(c.vars["conversation"])
	if found == nil {
		return notFound("conversation")
	}
	if c.fault != nil && c.fault.Stale > 0 {
		if found = found.asOf(time.Now().Add(-c.fault.Stale)); found == nil {
			return notFound("conversation")
		}
	}
	return answerOK(o.messageConversation(found))
}

func (o *Org) getConversation(c *call) answer {
	found := o.conversation(c.vars["conversation"])
	if found == nil {
		return notFound("conversation")
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
	ID                string          `json:"id"`
	Channel           outChannel      `json:"channel"`
	Type              string          `json:"type"`
	Text              string          `json:"text,omitempty"`
	Content           json.RawMessage `json:"content,omitempty"`
	OriginatingEntity string          `json:"originatingEntity,omitempty"`
	Direction         string          `json:"direction"`
}

func (o *Org) messageData(m *message) messageData {
	customer, here := m.c.customer, recipient{ID: m.c.integration.id, IDType: "Opaque", Nickname: m.c.integration.name}
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
			Channel: outChannel{
				ID: m.c.integration.id, Platform: "Open", Type: "Private", MessageID: providerID, To: to, From: from, Time: stamp(m.at),
			},
		},
	}
}

// readable returns the message with an id as reads use it, or nil. A conversationID limits the
// search to that conversation.
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
		return notFound("message")
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

// messageConversation is a MessageConversation, the answer of GET /conversations/messages/{id}.
type messageConversation struct {
	ID              string             `json:"id"`
	Participants    []mediaParticipant `json:"participants"`
	OtherMediaURIs  []string           `json:"otherMediaUris"`
	RecentTransfers []transferBody     `json:"recentTransfers"`
	Divisions       []divisionBody     `json:"divisions"`
	SelfURI         string             `json:"selfUri"`
}

// mediaParticipant is a MessageMediaParticipant. It has no id of its communication. Peer is the
// communication at the other end, so the customer's communication is the peer of the leg that is
// connected to the customer.
type mediaParticipant struct {
	ID               string            `json:"id"`
	Name             string            `json:"name,omitempty"`
	Address          string            `json:"address,omitempty"`
	StartTime        string            `json:"startTime,omitempty"`
	StartAlerting    string            `json:"startAlertingTime,omitempty"`
	ConnectedTime    string            `json:"connectedTime,omitempty"`
	EndTime          string            `json:"endTime,omitempty"`
	Purpose          string            `json:"purpose"`
	State            string            `json:"state"`
	Direction        string            `json:"direction"`
	DisconnectType   string            `json:"disconnectType,omitempty"`
	Held             bool              `json:"held"`
	WrapupRequired   bool              `json:"wrapupRequired"`
	User             *ref              `json:"user,omitempty"`
	Queue            *ref              `json:"queue,omitempty"`
	Attributes       map[string]string `json:"attributes"`
	AlertingTimeout  int               `json:"alertingTimeoutMs,omitempty"`
	Provider         string            `json:"provider"`
	Peer             string            `json:"peer,omitempty"`
	StartAcwTime     string            `json:"startAcwTime,omitempty"`
	EndAcwTime       string            `json:"endAcwTime,omitempty"`
	ParkTime         string            `json:"parkTime,omitempty"`
	ToAddress        address           `json:"toAddress"`
	FromAddress      address           `json:"fromAddress"`
	Messages         []messageDetail   `json:"messages"`
	Type             string            `json:"type"`
	RecipientCountry string            `json:"recipientCountry,omitempty"`
	RecipientType    string            `json:"recipientType,omitempty"`
	Monitored        string            `json:"monitoredParticipantId,omitempty"`
	MediaRoles       []string          `json:"mediaRoles"`
}

type address struct {
	Name       string `json:"name,omitempty"`
	Normalized string `json:"addressNormalized,omitempty"`
	Raw        string `json:"addressRaw,omitempty"`
}

type messageDetail struct {
	ID       string `json:"messageId"`
	URI      string `json:"messageURI"`
	Status   string `json:"messageStatus"`
	Segments int    `json:"messageSegmentCount"`
	Time     string `json:"messageTime"`
}

type transferBody struct {
	ID          string              `json:"id"`
	State       string              `json:"state"`
	DateIssued  string              `json:"dateIssued"`
	Initiator   transferInitiator   `json:"initiator"`
	Destination transferDestination `json:"destination"`
	Type        string              `json:"transferType"`
}

type transferInitiator struct {
	UserID string `json:"userId,omitempty"`
}

type transferDestination struct {
	UserID  string `json:"userId,omitempty"`
	Address string `json:"address,omitempty"`
}

type divisionBody struct {
	Division ref            `json:"division"`
	Entities []divisionPart `json:"entities"`
}

type divisionPart struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	SelfURI string `json:"selfUri,omitempty"`
}

func (o *Org) messageConversation(c *Conversation) messageConversation {
	self := "/api/v2/conversations/messages/" + c.id
	out := messageConversation{
		ID: c.id, SelfURI: self, OtherMediaURIs: []string{}, RecentTransfers: c.transferBodies(),
		Divisions: o.divisionBodies(c), Participants: []mediaParticipant{},
	}
	for _, p := range c.participants {
		out.Participants = append(out.Participants, o.mediaParticipant(c, p))
	}
	return out
}

func (o *Org) mediaParticipant(c *Conversation, p *participant) mediaParticipant {
	customer := address{Name: c.customer.display(), Normalized: c.customer.ID, Raw: c.customer.ID}
	here := address{Name: c.integration.name, Normalized: c.integration.id, Raw: c.integration.id}
	out := mediaParticipant{
		ID: p.id, Name: p.name, StartTime: stamp(p.started), StartAlerting: stamp(p.alerting),
		ConnectedTime: stamp(p.connected), EndTime: stamp(p.ended), Purpose: p.purpose, State: p.state,
		Direction: "inbound", DisconnectType: p.disconnectType, Attributes: maps.Clone(p.attributes),
		Provider: "PureCloud Messaging", Peer: p.peer, Type: "open", Messages: []messageDetail{},
		FromAddress: customer, ToAddress: here,
		StartAcwTime: stamp(p.acwStart), EndAcwTime: stamp(p.acwEnd), ParkTime: stamp(p.parked),
		WrapupRequired: p.wrapping(), MediaRoles: p.mediaRoles,
	}
	if p.monitored != nil {
		out.Monitored = p.monitored.id
	}
	if p.purpose == purposeCustomer {
		out.Address = c.customer.ID
	}
	if p.agent != nil {
		out.User = &ref{ID: p.agent.id, Name: p.agent.name, SelfURI: "/api/v2/users/" + p.agent.id}
		out.AlertingTimeout = int(o.opt.alertTimeout.Milliseconds())
	}
	if p.queue != nil {
		out.Queue = p.queue.ref()
	}
	for _, m := range p.messages {
		out.Messages = append(out.Messages, o.detail(m))
	}
	return out
}

func (o *Org) detail(m *message) messageDetail {
	id := o.readID(m)
	return messageDetail{
		ID: id, URI: "/api/v2/conversations/messages/" + m.c.id + "/messages/" + id,
		Status: m.wireStatus(), Segments: 1, Time: stamp(m.at),
	}
}

func (c *Conversation) transferBodies() []transferBody {
	out := []transferBody{}
	for _, t := range c.transfers {
		b := transferBody{
			ID: t.id, State: t.state, DateIssued: stamp(t.issued), Type: "Unattended",
			Initiator: transferInitiator{t.byUser}, Destination: transferDestination{Address: t.destination},
		}
		if t.toUser {
			b.Destination = transferDestination{UserID: t.destination}
		}
		out = append(out, b)
	}
	return out
}

// divisionBodies returns the divisions of the queues that a conversation was in.
func (o *Org) divisionBodies(c *Conversation) []divisionBody {
	out := []divisionBody{}
	for _, d := range o.divisions {
		b := divisionBody{Division: d.ref(), Entities: []divisionPart{}}
		seen := map[*Queue]bool{}
		for _, p := range c.participants {
			if q := p.queue; q != nil && q.division == d && !seen[q] {
				seen[q] = true
				b.Entities = append(b.Entities, divisionPart{q.id, q.name, q.ref().SelfURI})
			}
		}
		if len(b.Entities) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// genericConversation is a Conversation, the form for all media. A PATCH of a message
// conversation answers with it, too. Reading it needs a permission that the setup guide does not
// ask for.
type genericConversation struct {
	ID              string               `json:"id"`
	StartTime       string               `json:"startTime"`
	EndTime         string               `json:"endTime,omitempty"`
	Address         string               `json:"address,omitempty"`
	Participants    []genericParticipant `json:"participants"`
	Divisions       []divisionBody       `json:"divisions"`
	RecentTransfers []transferBody       `json:"recentTransfers"`
	SelfURI         string               `json:"selfUri"`
}

type genericParticipant struct {
	ID             string            `json:"id"`
	StartTime      string            `json:"startTime,omitempty"`
	EndTime        string            `json:"endTime,omitempty"`
	ConnectedTime  string            `json:"connectedTime,omitempty"`
	Name           string            `json:"name,omitempty"`
	UserID         string            `json:"userId,omitempty"`
	QueueID        string            `json:"queueId,omitempty"`
	QueueName      string            `json:"queueName,omitempty"`
	Purpose        string            `json:"purpose"`
	Address        string            `json:"address,omitempty"`
	WrapupRequired bool              `json:"wrapupRequired"`
	Attributes     map[string]string `json:"attributes"`
	Messages       []communication   `json:"messages"`
	StartAcwTime   string            `json:"startAcwTime,omitempty"`
	EndAcwTime     string            `json:"endAcwTime,omitempty"`
	Monitored      string            `json:"monitoredParticipantId,omitempty"`
	Consults       string            `json:"consultParticipantId,omitempty"`
	Coached        string            `json:"coachedParticipantId,omitempty"`
	MediaRoles     []string          `json:"mediaRoles"`
}

// communication is a Message of the definition: the part that a leg has in the medium, not a
// text.
type communication struct {
	ID               string          `json:"id"`
	State            string          `json:"state"`
	Direction        string          `json:"direction"`
	DisconnectType   string          `json:"disconnectType,omitempty"`
	StartAlerting    string          `json:"startAlertingTime,omitempty"`
	ConnectedTime    string          `json:"connectedTime,omitempty"`
	DisconnectedTime string          `json:"disconnectedTime,omitempty"`
	Provider         string          `json:"provider"`
	Type             string          `json:"type"`
	PeerID           string          `json:"peerId,omitempty"`
	ToAddress        address         `json:"toAddress"`
	FromAddress      address         `json:"fromAddress"`
	Messages         []messageDetail `json:"messages"`
}

func (o *Org) genericConversation(c *Conversation) genericConversation {
	out := genericConversation{
		ID: c.id, StartTime: stamp(c.started), EndTime: stamp(c.ended), Address: c.customer.ID,
		Participants: []genericParticipant{}, Divisions: o.divisionBodies(c), RecentTransfers: c.transferBodies(),
		SelfURI: "/api/v2/conversations/" + c.id,
	}
	for _, p := range c.participants {
		out.Participants = append(out.Participants, o.genericParticipant(c, p))
	}
	return out
}

func (o *Org) genericParticipant(c *Conversation, p *participant) genericParticipant {
	m := o.mediaParticipant(c, p)
	out := genericParticipant{
		ID: p.id, StartTime: m.StartTime, EndTime: m.EndTime, ConnectedTime: m.ConnectedTime, Name: p.name,
		Purpose: p.purpose, Address: m.Address, WrapupRequired: m.WrapupRequired, Attributes: maps.Clone(p.attributes),
		StartAcwTime: m.StartAcwTime, EndAcwTime: m.EndAcwTime, Monitored: m.Monitored, MediaRoles: p.mediaRoles,
		Messages: []communication{{
			ID: p.communication, State: p.state, Direction: m.Direction, DisconnectType: p.disconnectType,
			StartAlerting: m.StartAlerting, ConnectedTime: m.ConnectedTime, DisconnectedTime: m.EndTime,
			Provider: m.Provider, Type: m.Type, PeerID: p.peer, ToAddress: m.ToAddress, FromAddress: m.FromAddress,
			Messages: m.Messages,
		}},
	}
	if p.monitored != nil && slices.Contains(p.mediaRoles, roleCoach) {
		out.Coached = p.monitored.id
	}
	if p.consultedBy != nil {
		out.Consults = p.consultedBy.id
	}
	if p.agent != nil {
		out.UserID = p.agent.id
	}
	if p.queue != nil {
		out.QueueID, out.QueueName = p.queue.id, p.queue.name
	}
	return out
}
