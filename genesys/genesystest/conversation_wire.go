package genesystest

import "maps"

// messageConversation is a MessageConversation, what GET /conversations/messages/{id} answers.
type messageConversation struct {
	ID              string             `json:"id"`
	Participants    []mediaParticipant `json:"participants"`
	OtherMediaURIs  []string           `json:"otherMediaUris"`
	RecentTransfers []transferBody     `json:"recentTransfers"`
	Divisions       []divisionBody     `json:"divisions"`
	SelfURI         string             `json:"selfUri"`
}

// mediaParticipant is a MessageMediaParticipant. It does not name its own communication; peer names the one at the other
// end, so the customer's is the peer of whoever talks to the customer.
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
	here := address{Name: c.via.name, Normalized: c.via.id, Raw: c.via.id}
	out := mediaParticipant{
		ID: p.id, Name: p.name, StartTime: stamp(p.started), StartAlerting: stamp(p.alerting),
		ConnectedTime: stamp(p.connected), EndTime: stamp(p.ended), Purpose: p.purpose, State: p.state,
		Direction: "inbound", DisconnectType: p.disconnectType, Attributes: maps.Clone(p.attributes),
		Provider: "PureCloud Messaging", Peer: p.peer, Type: "open", Messages: []messageDetail{},
		FromAddress: customer, ToAddress: here,
		StartAcwTime: stamp(p.acwStart), EndAcwTime: stamp(p.acwEnd), ParkTime: stamp(p.parked),
		WrapupRequired: p.wrapping(),
	}
	if p.watches != nil {
		out.Monitored = p.watches.id
	}
	if p.purpose == purposeCustomer {
		out.Address = c.customer.ID
	}
	if p.agent != nil {
		out.User = &ref{ID: p.agent.id, Name: p.agent.name, SelfURI: "/api/v2/users/" + p.agent.id}
		out.AlertingTimeout = int(o.opt.ring.Milliseconds())
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

// divisionBodies are the divisions of the queues a conversation was in.
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
