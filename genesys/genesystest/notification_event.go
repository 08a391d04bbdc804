package genesystest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// notify sends the notifications of a change of c. The caller holds the lock.
func (o *Org) notify(c *Conversation) {
	o.publishDetails(c)
	o.publishSnapshots(c)
}

// emit sends an event to the connected channels that subscribed to its topic. It keeps no event
// for other channels.
func (o *Org) emit(topic string, body func() any) {
	var frame []byte
	for _, ch := range o.channels {
		s := ch.socket
		if s == nil || !ch.subscribed[topic] {
			continue
		}
		if frame == nil {
			frame = encode(event{Topic: topic, Version: "2", Body: body(), Metadata: &eventMetadata{o.uuid("event")}})
		}
		o.deliverSignal(func() { s.push(frame) })
	}
}

// publishSnapshots sends c to the topics of its queues and agents, and once more to those of its
// former owners.
func (o *Org) publishSnapshots(c *Conversation) {
	queues, agents := c.owners()
	for _, q := range union(c.notifiedQueues, queues) {
		o.emitSnapshots(c, queuePrefix+q.id)
	}
	for _, a := range union(c.notifiedAgents, agents) {
		o.emitSnapshots(c, userPrefix+a.id)
	}
	c.notifiedQueues, c.notifiedAgents = queues, agents
}

func (o *Org) emitSnapshots(c *Conversation, owner string) {
	o.emit(owner+".conversations.messages", func() any { return o.eventConversation(c) })
	o.emit(owner+".conversations", func() any { return o.eventGeneric(c) })
}

// owners returns the queues and agents of c: the queue in which it waits or from which its agents
// got it, its agents, and after the end those who still do after-call work.
func (c *Conversation) owners() (queues []*Queue, agents []*Agent) {
	over := c.customerLeg() == nil
	for _, p := range c.participants {
		if p.queue != nil && (p.live() || over && p.wrapping()) && !slices.Contains(queues, p.queue) {
			queues = append(queues, p.queue)
		}
		if p.agent != nil && (p.live() || p.wrapping()) && !slices.Contains(agents, p.agent) {
			agents = append(agents, p.agent)
		}
	}
	return queues, agents
}

func union[T comparable](a, b []T) []T {
	out := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

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

// metadata returns an event about the connection itself. It has no version.
func metadata(note string) []byte { return encode(event{Topic: topicMetadata, Body: eventNote{note}}) }

// eventConversation is a QueueConversationMessageEventTopicMessageConversation. The topic of a
// user has the same form. It differs from the answer of a read in how it names messages and in
// what it leaves out.
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
	MediaRoles     []string          `json:"mediaRoles"`
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
			ParkTime: m.ParkTime, Messages: []eventMessage{}, Type: m.Type, Monitored: m.Monitored, MediaRoles: m.MediaRoles,
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

// eventGeneric is a QueueConversationEventTopicConversation, for the topics of all media.
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
	Coached        string               `json:"coachedParticipantId,omitempty"`
	MediaRoles     []string             `json:"mediaRoles"`
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
			Monitored: g.Monitored, Consults: g.Consults, Coached: g.Coached, MediaRoles: g.MediaRoles, Attributes: maps.Clone(p.attributes),
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

// detailEvent is any detail event of a conversation: they are flat and share their properties.
type detailEvent struct {
	EventTime      int64  `json:"eventTime"` // epoch milliseconds
	ConversationID string `json:"conversationId"`
	ParticipantID  string `json:"participantId"`
	SessionID      string `json:"sessionId"`
	DisconnectType string `json:"disconnectType,omitempty"`
	MediaType      string `json:"mediaType"`
	Provider       string `json:"provider"`
	Direction      string `json:"direction"`
	AddressTo      string `json:"addressTo,omitempty"`
	AddressFrom    string `json:"addressFrom,omitempty"`
	MessageType    string `json:"messageType"`
	UserID         string `json:"userId,omitempty"`
	QueueID        string `json:"queueId,omitempty"`
	DivisionID     string `json:"divisionId,omitempty"`
	FlowType       string `json:"flowType,omitempty"`

	InteractingMs *int64 `json:"interactingDurationMs,omitempty"`
	AlertingMs    *int64 `json:"alertingDurationMs,omitempty"`
	ConnectedMs   *int64 `json:"connectedDurationMs,omitempty"`
	WrapupMs      *int64 `json:"wrapupDurationMs,omitempty"`
}

// publishedEvents records which detail events of a leg were sent.
type publishedEvents struct{ start, end, acw, wrapup bool }

// publishDetails sends the new detail events of each leg. user.start is sent when an agent is
// alerted, not when the agent accepts. user.end is sent for every end of an agent's leg: after a
// decline, without an answer, and after a transfer it looks like the end of the conversation.
// After-call work follows the end of any leg.
func (o *Org) publishDetails(c *Conversation) {
	for _, p := range c.participants {
		kind := detailKind(p)
		once(&p.published.start, true, func() { o.emitDetail(c, p, kind+".start", p.started) })
		once(&p.published.end, !p.live(), func() { o.emitDetail(c, p, kind+".end", p.ended) })
		once(&p.published.acw, !p.acwStart.IsZero(), func() { o.emitDetail(c, p, "acw", p.acwStart) })
		once(&p.published.wrapup, !p.acwEnd.IsZero(), func() { o.emitDetail(c, p, "wrapup", p.acwEnd) })
	}
}

func once(done *bool, due bool, do func()) {
	if due && !*done {
		*done = true
		do()
	}
}

func detailKind(p *participant) string {
	switch p.purpose {
	case purposeAgent:
		return "user"
	case purposeWorkflow:
		return "flow"
	default:
		return p.purpose
	}
}

func (o *Org) emitDetail(c *Conversation, p *participant, kind string, at time.Time) {
	o.emit(detailPrefix+c.id+"."+kind, func() any { return detailOf(c, p, kind, at) })
}

func detailOf(c *Conversation, p *participant, kind string, at time.Time) detailEvent {
	e := detailEvent{
		EventTime: at.UnixMilli(), ConversationID: c.id, ParticipantID: p.id, SessionID: p.communication,
		MediaType: "MESSAGE", MessageType: "OPEN", Provider: "PureCloud Messaging", Direction: "INBOUND",
		AddressTo: c.integration.id, AddressFrom: c.customer.ID,
	}
	if p.queue != nil {
		e.QueueID, e.DivisionID = p.queue.id, p.queue.division.id
	}
	if p.agent != nil && kind != "wrapup" { // a WrapupEvent has neither
		e.UserID = p.agent.id
	}
	switch kind {
	case "wrapup":
		e.DivisionID, e.WrapupMs = "", millis(p.acwStart, p.acwEnd)
	case "flow.start":
		e.FlowType = "INBOUNDSHORTMESSAGE"
	case "flow.end":
		e.FlowType, e.ConnectedMs = "INBOUNDSHORTMESSAGE", millis(p.connected, p.ended)
	case "acd.end":
		e.ConnectedMs = millis(p.connected, p.ended)
	case "customer.end", "user.end":
		e.InteractingMs = millis(p.connected, p.ended)
		e.AlertingMs = p.alertedFor()
	}
	if strings.HasSuffix(kind, ".end") {
		e.DisconnectType = detailType(p.disconnectType)
	}
	return e
}

// alertedFor returns how long an agent's leg alerted, or nil if it never did.
func (p *participant) alertedFor() *int64 {
	if p.connected.IsZero() {
		return millis(p.alerting, p.ended)
	}
	return millis(p.alerting, p.connected)
}

// millis returns the time between from and to in milliseconds, or nil if from is zero.
func millis(from, to time.Time) *int64 {
	if from.IsZero() {
		return nil
	}
	return new(to.Sub(from).Milliseconds())
}

// detailType returns a disconnect type in the form of detail events: transfer.noanswer becomes
// NO_ANSWER_TRANSFER.
func detailType(how string) string {
	switch how {
	case disconnectNoAnswer:
		return "NO_ANSWER_TRANSFER"
	case disconnectNotAvailable:
		return "NOT_AVAILABLE_TRANSFER"
	}
	if rest, ok := strings.CutPrefix(how, "transfer."); ok {
		return strings.ToUpper(rest) + "_TRANSFER"
	}
	if rest, ok := strings.CutPrefix(how, "endpoint."); ok {
		return strings.ToUpper(rest) + "_ENDPOINT"
	}
	return strings.ToUpper(strings.ReplaceAll(how, ".", "_"))
}
