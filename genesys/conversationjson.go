package genesys

import (
	"encoding/json"
	"time"
)

// UnmarshalJSON reads Genesys' MessageConversation, and what matters of a generic Conversation.
func (c *Conversation) UnmarshalJSON(b []byte) error {
	var w struct {
		ID           string        `json:"id"`
		Participants []Participant `json:"participants"`
		Inactivity   wireTime      `json:"inactivityTimeout"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*c = Conversation{ID: w.ID, Participants: w.Participants, Inactivity: w.Inactivity.Time}
	return nil
}

type wireParticipant struct {
	ID             string          `json:"id"`
	Name           string          `json:"name"`
	Purpose        string          `json:"purpose"`
	State          string          `json:"state"`
	DisconnectType string          `json:"disconnectType"`
	Peer           string          `json:"peer"`
	Queue          ref             `json:"queue"`
	QueueID        string          `json:"queueId"` // generic conversation
	User           ref             `json:"user"`
	UserID         string          `json:"userId"` // generic conversation
	StartTime      wireTime        `json:"startTime"`
	AlertingTime   wireTime        `json:"startAlertingTime"`
	ConnectedTime  wireTime        `json:"connectedTime"`
	EndTime        wireTime        `json:"endTime"`
	EndACWTime     wireTime        `json:"endAcwTime"`
	WrapupRequired bool            `json:"wrapupRequired"`
	WrapupSkipped  bool            `json:"wrapupSkipped"`
	Wrapup         json.RawMessage `json:"wrapup"`
	Attributes     wireStrings     `json:"attributes"`
	Messages       []wireMessage   `json:"messages"`

	RoutingData struct {
		Queue ref `json:"queue"`
	} `json:"conversationRoutingData"`

	wireWatching
}

// wireMessage is a message of a message conversation, or a communication of a generic one, which has an id and a state.
type wireMessage struct {
	MessageID     string   `json:"messageId"`
	MessageStatus string   `json:"messageStatus"`
	MessageTime   wireTime `json:"messageTime"`

	ID             string        `json:"id"`
	State          string        `json:"state"`
	DisconnectType string        `json:"disconnectType"`
	PeerID         string        `json:"peerId"`
	Messages       []wireMessage `json:"messages"`
}

// UnmarshalJSON reads one participant.
func (p *Participant) UnmarshalJSON(b []byte) error {
	var w wireParticipant
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*p = Participant{
		ID: w.ID, Name: first(w.Name, w.User.Name), Purpose: w.Purpose, State: w.State, DisconnectType: w.DisconnectType,
		QueueID: first(w.Queue.ID, w.QueueID, w.RoutingData.Queue.ID), UserID: first(w.User.ID, w.UserID),
		Start: w.StartTime.Time, Alerting: w.AlertingTime.Time, Connected: w.ConnectedTime.Time, End: w.EndTime.Time,
		WrapupRequired: w.WrapupRequired, Attributes: w.Attributes, Peer: w.Peer,
		Watching: w.watching(),
	}
	wrapup := string(w.Wrapup)
	p.WrapupDone = wrapup != "" && wrapup != "null" && wrapup != "{}" || w.WrapupSkipped || !w.EndACWTime.IsZero()
	p.read(w.Messages)
	return nil
}

func (p *Participant) read(messages []wireMessage) {
	for _, m := range messages {
		if m.MessageID != "" {
			p.Messages = append(p.Messages, MessageRef{ID: m.MessageID, Status: m.MessageStatus, Time: m.MessageTime.Time})
			continue
		}
		if m.ID == "" {
			continue
		}
		p.Communications = append(p.Communications,
			Communication{ID: m.ID, State: m.State, DisconnectType: m.DisconnectType, Peer: m.PeerID})
		if liveliness(m.State) > liveliness(p.State) {
			p.State, p.DisconnectType = m.State, m.DisconnectType // one live communication keeps the participant
		}
		for _, nested := range m.Messages {
			if nested.MessageID != "" {
				p.read([]wireMessage{{MessageID: nested.MessageID, MessageStatus: nested.MessageStatus, MessageTime: nested.MessageTime}})
			}
		}
	}
}

// liveliness orders the states of communications: what one of them is in, the participant is in.
func liveliness(state string) int {
	switch state {
	case "":
		return 0
	case StateDisconnected, StateTerminated:
		return 1
	case StateConnected:
		return 5
	case StateParked:
		return 4
	case StateNone:
		return 2
	default:
		return 3
	}
}

// wireTime is lenient: one odd date must not hide who is in the conversation.
type wireTime struct{ time.Time }

// UnmarshalJSON leaves zero where the value is no time.
func (t *wireTime) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	var s string
	if json.Unmarshal(b, &s) != nil {
		return nil //nolint:nilerr // lenient, see the type
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999Z0700"} {
		if parsed, err := time.Parse(layout, s); err == nil {
			t.Time = parsed.UTC()
			return nil
		}
	}
	return nil
}

// wireStrings keeps the string values of an object.
type wireStrings map[string]string

// UnmarshalJSON drops what is no string.
func (m *wireStrings) UnmarshalJSON(b []byte) error {
	var raw map[string]any
	if json.Unmarshal(b, &raw) != nil || len(raw) == 0 {
		return nil //nolint:nilerr // attributes never decide anything here
	}
	*m = make(wireStrings, len(raw))
	for k, v := range raw {
		if s, ok := v.(string); ok {
			(*m)[k] = s
		}
	}
	return nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
