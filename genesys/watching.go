package genesys

import (
	"encoding/json"
	"strings"
)

// wireWatching are the fields of a participant that say what they do beside an agent. The generic conversation has them all,
// a message conversation only the first two and the roles.
type wireWatching struct {
	MonitoredID wireWho   `json:"monitoredParticipantId"`
	Monitored   wireWho   `json:"monitoredParticipant"`
	CoachedID   wireWho   `json:"coachedParticipantId"`
	Coached     wireWho   `json:"coachedParticipant"`
	BargedID    wireWho   `json:"bargedParticipantId"`
	Barged      wireWho   `json:"bargedParticipant"`
	Roles       wireRoles `json:"mediaRoles"`
}

// watching: see [Participant].
func (w wireWatching) watching() bool {
	switch {
	case w.BargedID != "" || w.Barged != "":
		return false
	case w.MonitoredID != "" || w.Monitored != "" || w.CoachedID != "" || w.Coached != "":
		return true
	default:
		return w.Roles.onlyBeside()
	}
}

// wireWho is an id, or a reference that has one. Anything else is nobody: it must not hide who is in the conversation.
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

// wireRoles are the roles that a participant has had so far.
type wireRoles []string

// UnmarshalJSON leaves none where the value is no list of strings.
func (r *wireRoles) UnmarshalJSON(b []byte) error {
	var list []string
	if json.Unmarshal(b, &list) != nil {
		list = nil
	}
	*r = list
	return nil
}

// onlyBeside reports whether there are roles, and none of them is with the customer.
func (r wireRoles) onlyBeside() bool {
	for _, role := range r {
		if !strings.EqualFold(role, "monitor") && !strings.EqualFold(role, "coach") {
			return false
		}
	}
	return len(r) > 0
}
