package genesys

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// UnmarshalJSON parses Genesys' MessageConversation, and the fields of a generic Conversation that
// a handover needs.
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
	return c.findTakeovers(b)
}

// findTakeovers looks at b again if a participant watches, which is rare.
func (c *Conversation) findTakeovers(b []byte) error {
	if !slices.ContainsFunc(c.Participants, func(p Participant) bool { return p.Watching }) {
		return nil
	}
	var w struct {
		Participants []wireWatching `json:"participants"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	// In rounds: the supervisor who took over may be taken over too.
	for again := true; again; {
		again = false
		for i, p := range c.Participants {
			if p.Watching && tookOver(p, w.Participants[i].watched(), c.Participants) {
				c.Participants[i].Watching, again = false, true
			}
		}
	}
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

// wireMessage is a message of a message conversation, or a communication of a generic one, which
// has an id and a state.
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

// UnmarshalJSON parses one participant. It cannot see a takeover, which only the conversation
// shows.
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
			// One live communication keeps the participant.
			p.State, p.DisconnectType = m.State, m.DisconnectType
		}
		for _, nested := range m.Messages {
			if nested.MessageID != "" {
				p.read([]wireMessage{{MessageID: nested.MessageID, MessageStatus: nested.MessageStatus, MessageTime: nested.MessageTime}})
			}
		}
	}
}

// liveliness orders the states of communications: the participant has the liveliest state of its
// communications.
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

// wireTime is lenient, so that one malformed date does not hide the participants.
type wireTime struct{ time.Time }

// UnmarshalJSON leaves the zero time if the value is not a time.
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

// UnmarshalJSON drops values that are not strings.
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

// wireWatching holds the fields of a participant that say what it does besides serving the
// customer. A generic conversation has all of them, a message conversation only the first two and
// the roles.
type wireWatching struct {
	MonitoredID wireWho   `json:"monitoredParticipantId"`
	Monitored   wireWho   `json:"monitoredParticipant"`
	CoachedID   wireWho   `json:"coachedParticipantId"`
	Coached     wireWho   `json:"coachedParticipant"`
	BargedID    wireWho   `json:"bargedParticipantId"`
	Barged      wireWho   `json:"bargedParticipant"`
	Roles       wireRoles `json:"mediaRoles"`
}

// watched returns the ids of the participants that this one monitors or coaches.
func (w wireWatching) watched() []string {
	var ids []string
	for _, id := range []wireWho{w.MonitoredID, w.Monitored, w.CoachedID, w.Coached} {
		if id != "" {
			ids = append(ids, string(id))
		}
	}
	return ids
}

// watching reports whether the participant only monitors or coaches; see [Participant]. A takeover
// shows only in the whole conversation, see tookOver.
func (w wireWatching) watching() bool {
	if w.BargedID != "" || w.Barged != "" || w.Roles.other() {
		return false
	}
	return len(w.Roles) > 0 || len(w.watched()) > 0
}

// tookOver reports whether a watching participant has replaced an agent: one that it watched left
// by a takeover while the participant was there. If the leg no longer says whom it watched, any
// such agent will do.
func tookOver(watcher Participant, watched []string, all []Participant) bool {
	return slices.ContainsFunc(all, func(p Participant) bool {
		return p.DisconnectType == DisconnectTakeover && p.IsAgent() && p.ID != watcher.ID &&
			(len(watched) == 0 || slices.Contains(watched, p.ID)) &&
			(p.End.IsZero() || !watcher.Start.After(p.End) && (watcher.Live() || !watcher.End.Before(p.End)))
	})
}

// wireWho is an id, or a reference that has one. Any other value is empty, so that it does not hide
// the participants.
type wireWho string

// UnmarshalJSON is lenient, see the type.
func (w *wireWho) UnmarshalJSON(b []byte) error {
	var id string
	if json.Unmarshal(b, &id) != nil {
		var r struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(b, &r)
		id = r.ID
	}
	*w = wireWho(id)
	return nil
}

// wireRoles are the roles that a participant has had in the conversation.
type wireRoles []string

// UnmarshalJSON leaves the list empty if the value is not a list of strings.
func (r *wireRoles) UnmarshalJSON(b []byte) error {
	var list []string
	if json.Unmarshal(b, &list) != nil {
		list = nil
	}
	*r = list
	return nil
}

// other reports whether a role is neither monitor nor coach.
func (r wireRoles) other() bool {
	return slices.ContainsFunc(r, func(role string) bool {
		return !strings.EqualFold(role, "monitor") && !strings.EqualFold(role, "coach")
	})
}
