package genesystest

import "maps"

// event is one message of a notification socket.
type event struct {
	Topic    string         `json:"topicName"`
	Version  string         `json:"version,omitempty"`
	Body     any            `json:"eventBody"`
	Metadata *eventMetadata `json:"metadata,omitempty"`
}

type eventMetadata struct {
	CorrelationID string `json:"CorrelationId"`
}

type eventNote struct {
	Message string `json:"message"`
}

// metadata is what the service says about the connection itself. It has no version.
func metadata(note string) []byte { return encode(event{Topic: topicMetadata, Body: eventNote{note}}) }

// eventConversation is a QueueConversationMessageEventTopicMessageConversation; that of a user's topic has the same shape.
// It differs from what a read shows in small things: how messages are named, and what is left out.
type eventConversation struct {
	ID             string             `json:"id"`
	Participants   []eventParticipant `json:"participants"`
	OtherMediaURIs []string           `json:"otherMediaUris"`
}

type eventParticipant struct {
	ID             string            `json:"id"`
	Name           string            `json:"name,omitempty"`
	Address        string            `json:"address,omitempty"`
	StartTime      string            `json:"startTime,omitempty"`
	ConnectedTime  string            `json:"connectedTime,omitempty"`
	EndTime        string            `json:"endTime,omitempty"`
	Purpose        string            `json:"purpose"`
	State          string            `json:"state"`
	Direction      string            `json:"direction"`
	DisconnectType string            `json:"disconnectType,omitempty"`
	Held           bool              `json:"held"`
	WrapupRequired bool              `json:"wrapupRequired"`
	User           *eventRef         `json:"user,omitempty"`
	Queue          *eventRef         `json:"queue,omitempty"`
	Attributes     map[string]string `json:"attributes"`
	Provider       string            `json:"provider"`
	Peer           string            `json:"peer,omitempty"`
	StartAcwTime   string            `json:"startAcwTime,omitempty"`
	EndAcwTime     string            `json:"endAcwTime,omitempty"`
	ParkTime       string            `json:"parkTime,omitempty"`
	Messages       []eventMessage    `json:"messages"`
	Type           string            `json:"type"`
	Monitored      string            `json:"monitoredParticipantId,omitempty"`
}

type eventRef struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

type eventMessage struct {
	Message  eventRef `json:"message"`
	Time     string   `json:"messageTime"`
	Segments int      `json:"messageSegmentCount"`
	Status   string   `json:"messageStatus"`
}

func (o *Org) eventConversation(c *Conversation) eventConversation {
	out := eventConversation{ID: c.id, Participants: []eventParticipant{}, OtherMediaURIs: []string{}}
	for _, p := range c.participants {
		m := o.mediaParticipant(c, p)
		e := eventParticipant{
			ID: m.ID, Name: m.Name, Address: m.Address, StartTime: m.StartTime, ConnectedTime: m.ConnectedTime, EndTime: m.EndTime,
			Purpose: m.Purpose, State: m.State, Direction: m.Direction, DisconnectType: m.DisconnectType, WrapupRequired: m.WrapupRequired,
			Attributes: m.Attributes, Provider: m.Provider, Peer: m.Peer, StartAcwTime: m.StartAcwTime, EndAcwTime: m.EndAcwTime,
			ParkTime: m.ParkTime, Messages: []eventMessage{}, Type: m.Type, Monitored: m.Monitored,
		}
		if m.User != nil {
			e.User = &eventRef{m.User.ID, m.User.Name}
		}
		if m.Queue != nil {
			e.Queue = &eventRef{m.Queue.ID, m.Queue.Name}
		}
		for _, d := range m.Messages {
			e.Messages = append(e.Messages, eventMessage{Message: eventRef{ID: d.ID}, Time: d.Time, Segments: d.Segments, Status: d.Status})
		}
		out.Participants = append(out.Participants, e)
	}
	return out
}

// eventGeneric is a QueueConversationEventTopicConversation, of the topics that are not bound to messages.
type eventGeneric struct {
	ID           string                    `json:"id"`
	Address      string                    `json:"address,omitempty"`
	Participants []eventGenericParticipant `json:"participants"`
}

type eventGenericParticipant struct {
	ID             string               `json:"id"`
	ConnectedTime  string               `json:"connectedTime,omitempty"`
	EndTime        string               `json:"endTime,omitempty"`
	Name           string               `json:"name,omitempty"`
	UserID         string               `json:"userId,omitempty"`
	QueueID        string               `json:"queueId,omitempty"`
	Purpose        string               `json:"purpose"`
	Address        string               `json:"address,omitempty"`
	WrapupRequired bool                 `json:"wrapupRequired"`
	StartAcwTime   string               `json:"startAcwTime,omitempty"`
	EndAcwTime     string               `json:"endAcwTime,omitempty"`
	Monitored      string               `json:"monitoredParticipantId,omitempty"`
	Consults       string               `json:"consultParticipantId,omitempty"`
	Attributes     map[string]string    `json:"attributes"`
	Messages       []eventCommunication `json:"messages"`
}

type eventCommunication struct {
	ID               string            `json:"id"`
	State            string            `json:"state"`
	Direction        string            `json:"direction"`
	Held             bool              `json:"held"`
	Provider         string            `json:"provider"`
	PeerID           string            `json:"peerId,omitempty"`
	DisconnectType   string            `json:"disconnectType,omitempty"`
	ConnectedTime    string            `json:"connectedTime,omitempty"`
	DisconnectedTime string            `json:"disconnectedTime,omitempty"`
	Messages         []eventLegMessage `json:"messages"`
	Type             string            `json:"type"`
}

type eventLegMessage struct {
	ID       string `json:"messageId"`
	Time     string `json:"messageTime"`
	Segments int    `json:"messageSegmentCount"`
	Status   string `json:"messageStatus"`
}

func (o *Org) eventGeneric(c *Conversation) eventGeneric {
	out := eventGeneric{ID: c.id, Address: c.customer.ID, Participants: []eventGenericParticipant{}}
	for _, p := range c.participants {
		g := o.genericParticipant(c, p)
		leg := g.Messages[0]
		e := eventGenericParticipant{
			ID: g.ID, ConnectedTime: g.ConnectedTime, EndTime: g.EndTime, Name: g.Name, UserID: g.UserID, QueueID: g.QueueID,
			Purpose: g.Purpose, Address: g.Address, WrapupRequired: g.WrapupRequired, StartAcwTime: g.StartAcwTime, EndAcwTime: g.EndAcwTime,
			Monitored: g.Monitored, Consults: g.Consults, Attributes: maps.Clone(p.attributes),
			Messages: []eventCommunication{{
				ID: leg.ID, State: leg.State, Direction: leg.Direction, Provider: leg.Provider, PeerID: leg.PeerID,
				DisconnectType: leg.DisconnectType, ConnectedTime: leg.ConnectedTime, DisconnectedTime: leg.DisconnectedTime,
				Messages: []eventLegMessage{}, Type: leg.Type,
			}},
		}
		for _, d := range leg.Messages {
			e.Messages[0].Messages = append(e.Messages[0].Messages, eventLegMessage{d.ID, d.Time, d.Segments, d.Status})
		}
		out.Participants = append(out.Participants, e)
	}
	return out
}
