package simulation

import (
	"encoding/json"
	"time"
)

// body is a MessageConversation, as it was at a time.
func (c *conversation) body(legs []leg, at time.Duration) string {
	type ref struct {
		ID string `json:"id,omitempty"`
	}
	type participant struct {
		ID        string `json:"id"`
		Purpose   string `json:"purpose"`
		State     string `json:"state"`
		Start     string `json:"startTime,omitempty"`
		Connected string `json:"connectedTime,omitempty"`
		End       string `json:"endTime,omitempty"`
		How       string `json:"disconnectType,omitempty"`
		Peer      string `json:"peer,omitempty"`
		Watches   string `json:"monitoredParticipantId,omitempty"`
		Wrapup    bool   `json:"wrapupRequired,omitempty"`
		Wrapped   string `json:"endAcwTime,omitempty"`
		Queue     ref    `json:"queue,omitzero"`
		User      ref    `json:"user,omitzero"`

		Messages []wireRef `json:"messages"`
	}
	list := make([]participant, 0, len(legs)+1)
	customer, last := "", ""
	for i := range legs {
		if legs[i].purpose == "customer" {
			last = legs[i].id
		}
	}
	if flow := c.lists("", at); len(flow) > 0 {
		list = append(list, participant{
			ID: "flow", Purpose: "workflow", State: "disconnected", Start: flow[0].Time, End: flow[0].Time, Messages: flow,
		})
	}
	for _, l := range legs {
		p := participant{
			ID: l.id, Purpose: l.purpose, State: l.state, Start: wireTime(l.start), Connected: wireTime(l.joined),
			End: wireTime(l.end), How: l.how, Watches: l.watches, Wrapup: l.wrapup, Wrapped: wireTime(l.wrapped), Queue: ref{l.queue}, User: ref{l.user},
			Messages: c.lists(l.id, at),
		}
		if l.id == last {
			p.Messages = c.hears(at)
		}
		if l.purpose == "customer" {
			customer = l.communication
		} else {
			p.Peer = customer
		}
		list = append(list, p)
	}
	body, _ := json.Marshal(map[string]any{"id": c.id, "participants": list}) //nolint:errchkjson // strings
	return string(body)
}

// shows notes what a read says about the end of a session, so that an end can be held against it.
func (c *conversation) shows(s *snapshot, now time.Duration) {
	customer, bot, agents := false, false, false
	for i := range s.legs {
		l := &s.legs[i]
		switch {
		case !l.live() || l.watches != "":
		case l.purpose == "customer":
			customer = true
		case l.purpose == "acd" && l.queue == botQueue:
			bot = true
		default:
			agents = true
		}
	}
	c.shown = now
	if !customer {
		c.shownGone = now
	} else if bot && !agents {
		c.shownBack = now
	}
}

func wireTime(d time.Duration) string {
	if d == never {
		return ""
	}
	return epoch.Add(d).Format("2006-01-02T15:04:05.000Z")
}
