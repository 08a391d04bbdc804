package genesystest

import (
	"strings"
	"time"
)

// detailEvent is any of the detail events of a conversation: they are flat, and share what they have.
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

// told is which detail events of a leg have been sent.
type told struct{ start, end, acw, wrapup bool }

// publishDetails sends what happened to each leg since the last time. An agent's leg begins when it rings, so user.start
// does not say that anybody answered, and ends however the agent is out: who declined, did not answer, transferred or was
// transferred away looks like who ended the conversation. After-call work follows the end of any leg.
func (o *Org) publishDetails(c *Conversation) {
	for _, p := range c.participants {
		kind := detailKind(p)
		once(&p.told.start, true, func() { o.emitDetail(c, p, kind+".start", p.started) })
		once(&p.told.end, !p.live(), func() { o.emitDetail(c, p, kind+".end", p.ended) })
		once(&p.told.acw, !p.acwStart.IsZero(), func() { o.emitDetail(c, p, "acw", p.acwStart) })
		once(&p.told.wrapup, !p.acwEnd.IsZero(), func() { o.emitDetail(c, p, "wrapup", p.acwEnd) })
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
		AddressTo: c.via.id, AddressFrom: c.customer.ID,
	}
	if p.queue != nil {
		e.QueueID, e.DivisionID = p.queue.id, p.queue.division.id
	}
	if p.agent != nil && kind != "wrapup" { // a WrapupEvent has neither
		e.UserID = p.agent.id
	}
	switch kind {
	case "wrapup":
		e.DivisionID, e.WrapupMs = "", span(p.acwStart, p.acwEnd)
	case "flow.start":
		e.FlowType = "INBOUNDSHORTMESSAGE"
	case "flow.end":
		e.FlowType, e.ConnectedMs = "INBOUNDSHORTMESSAGE", span(p.connected, p.ended)
	case "acd.end":
		e.ConnectedMs = span(p.connected, p.ended)
	case "customer.end", "user.end":
		e.InteractingMs = span(p.connected, p.ended)
		e.AlertingMs = p.rang()
	}
	if strings.HasSuffix(kind, ".end") {
		e.DisconnectType = detailType(p.disconnectType)
	}
	return e
}

// rang is how long an agent's leg rang; nil for who never did.
func (p *participant) rang() *int64 {
	if p.connected.IsZero() {
		return span(p.alerting, p.ended)
	}
	return span(p.alerting, p.connected)
}

// span is a duration in milliseconds; nil without a beginning.
func span(from, to time.Time) *int64 {
	if from.IsZero() {
		return nil
	}
	return new(to.Sub(from).Milliseconds())
}

// detailType is a disconnect type as detail events write it: transfer.noanswer is NO_ANSWER_TRANSFER.
func detailType(how string) string {
	switch how {
	case byNoAnswer:
		return "NO_ANSWER_TRANSFER"
	case byNotAvailable:
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
