package genesystest

import "maps"

// genericConversation is a Conversation, the form that is not bound to messages. Reading it asks for a permission the guide
// does not give; a PATCH of the message form answers with it too.
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
}

// communication is a Message of the definition: one leg's use of the medium, not a text.
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
		StartAcwTime: m.StartAcwTime, EndAcwTime: m.EndAcwTime, Monitored: m.Monitored,
		Messages: []communication{{
			ID: p.communication, State: p.state, Direction: m.Direction, DisconnectType: p.disconnectType,
			StartAlerting: m.StartAlerting, ConnectedTime: m.ConnectedTime, DisconnectedTime: m.EndTime,
			Provider: m.Provider, Type: m.Type, PeerID: p.peer, ToAddress: m.ToAddress, FromAddress: m.FromAddress,
			Messages: m.Messages,
		}},
	}
	if p.beside != nil {
		out.Consults = p.beside.id
	}
	if p.agent != nil {
		out.UserID = p.agent.id
	}
	if p.queue != nil {
		out.QueueID, out.QueueName = p.queue.id, p.queue.name
	}
	return out
}
