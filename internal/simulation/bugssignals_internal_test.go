package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// Bugs in how signals and reads are taken, planted into what the engine reads and stores.

// Who believes a signal ends a session that nobody has left.
func TestFindsSignalsThatAreBelieved(t *testing.T) {
	t.Parallel()
	breaks(t, "no session ends while its customer is in the conversation", believes)
}

// The same at a time when it has ended: it is still no read.
func TestFindsEndsWithoutARead(t *testing.T) {
	t.Parallel()
	breaks(t, "only a read ends a session", saboteur{signal: func(r *replica, id string) {
		if c := r.w.genesys.find(id); c != nil && c.live("customer") == nil {
			believes.signal(r, id)
		}
	}})
}

// believes ends the open session of a conversation that a signal names.
var believes = saboteur{signal: func(r *replica, id string) { //nolint:gochecknoglobals // a constant
	for _, k := range r.w.store.order {
		c := r.w.store.cells[k]
		var top, now members
		if id == "" || c.file == nil || c.record.ConversationID != id || !c.file.Now.agents() || json.Unmarshal(c.record.Data, &top) != nil ||
			json.Unmarshal(top["now"], &now) != nil {
			continue
		}
		now["state"] = json.RawMessage(asJSON(handover.StateEnded))
		now["ending"] = json.RawMessage(asJSON(handover.Ending{Reason: handover.EndByAgent, Time: r.clock()}))
		top["now"] = json.RawMessage(asJSON(now))
		record := c.record
		record.Data, record.Revision = []byte(asJSON(top)), record.Revision+1
		_ = r.w.store.put(r, record, c.record.Revision) // it cannot conflict
	}
}}

// misreads is a bug in how a read is taken: it changes the legs before the engine sees them.
func misreads(bug func(legs []members)) saboteur {
	return saboteur{calls: func(t http.RoundTripper, _ *replica) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			resp, err := t.RoundTrip(req)
			var top members
			var legs []members
			if err != nil || req.Method != http.MethodGet || json.NewDecoder(resp.Body).Decode(&top) != nil {
				return resp, err
			}
			if json.Unmarshal(top["participants"], &legs) == nil {
				bug(legs)
				top["participants"] = json.RawMessage(asJSON(legs))
			}
			return answer(resp.StatusCode, asJSON(top)), nil
		})
	}}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func is(m members, name, value string) bool { return string(m[name]) == asJSON(value) }

// gone makes a customer look gone.
func gone(legs []members) {
	for _, l := range legs {
		if is(l, "purpose", "customer") {
			l["state"], l["endTime"] = json.RawMessage(`"disconnected"`), json.RawMessage(`"2100-02-01T00:00:00.000Z"`)
		}
	}
}

// That the agent left is not that it ended.
func TestFindsAnAgentsLeavingTakenForTheEnd(t *testing.T) {
	t.Parallel()
	breaks(t, "no session ends while its customer is in the conversation", misreads(func(legs []members) {
		left := false
		for _, l := range legs {
			if is(l, "purpose", "agent") {
				left = is(l, "state", "disconnected")
			}
		}
		if left {
			gone(legs)
		}
	}))
}

// A parked conversation has not ended.
func TestFindsParkedTakenForTheEnd(t *testing.T) {
	t.Parallel()
	breaks(t, "no session ends while its customer is in the conversation", misreads(func(legs []members) {
		for _, l := range legs {
			if is(l, "state", "parked") {
				gone(legs)
			}
		}
	}))
}

// Whom it rings at is not there yet.
func TestFindsRingingTakenForConnected(t *testing.T) {
	t.Parallel()
	breaks(t, "only who was there has joined", misreads(func(legs []members) {
		for _, l := range legs {
			if is(l, "state", "alerting") {
				l["state"], l["connectedTime"] = json.RawMessage(`"connected"`), l["startTime"]
			}
		}
	}))
}

// A supervisor who looks on has not joined.
func TestFindsSupervisorsTakenForAgents(t *testing.T) {
	t.Parallel()
	breaks(t, "only who was there has joined", misreads(func(legs []members) {
		for _, l := range legs {
			delete(l, "monitoredParticipantId")
		}
	}))
}

// Whoever takes an agent who is there for one who is not there yet never sees him.
func TestFindsAgentsWhoAreNotSeen(t *testing.T) {
	t.Parallel()
	breaks(t, "an agent who is there is seen", misreads(unseen))
}

// The same, where he is given up waiting for.
func TestFindsAgentsWhoAreMissed(t *testing.T) {
	t.Parallel()
	breaksWhere(t, "nobody is missed who is there", misreads(unseen), func(p *plan) bool { return p.timers.NoAgent > 0 })
}

func unseen(legs []members) {
	for _, l := range legs {
		if is(l, "purpose", "agent") && is(l, "state", "connected") {
			l["state"] = json.RawMessage(`"alerting"`)
			delete(l, "connectedTime")
		}
	}
}

// Whoever relies on a source that has spoken once polls no more, and never sees the end that the source does not tell.
func TestFindsPollsThatStopWithTheFirstSignal(t *testing.T) {
	t.Parallel()
	signalled := func(p *plan) bool { return p.patient && len(p.sources) > 0 && p.sources[0].loses < 1 }
	breaksWhere(t, "no session stays open when its conversation has ended", writes(func(top members) time.Time {
		var now members
		var v view
		if json.Unmarshal([]byte(asJSON(top)), &v) != nil || !v.Now.agents() || json.Unmarshal(top["now"], &now) != nil {
			return time.Time{}
		}
		idle := len(v.Out.Entries)+len(v.In.Entries) == 0 && v.Control.Lease.Owner == ""
		if now["signalled"] == nil || string(now["poll"]) != "true" || !idle || v.Now.State == handover.StateEnding {
			return time.Time{}
		}
		later := v.Now.PollAt.AddDate(1, 0, 0)
		now["pollAt"] = json.RawMessage(asJSON(later))
		top["now"] = json.RawMessage(asJSON(now))
		return later.Add(time.Microsecond - 1).Truncate(time.Microsecond)
	}), signalled)
}

// writes is a bug in what is written; it may give another time to wake.
func writes(bug func(top members) time.Time) saboteur {
	return saboteur{store: func(s handover.Store, _ *replica) handover.Store {
		return &wrong{Store: s, put: func(ctx context.Context, r handover.Record, prev uint64) error {
			var top members
			if err := json.Unmarshal(r.Data, &top); err != nil {
				return errors.Join(errStore, err)
			}
			if at := bug(top); !at.IsZero() {
				r.WakeAt = at
			}
			r.Data = []byte(asJSON(top))
			return s.Put(ctx, r, prev)
		}}
	}}
}
