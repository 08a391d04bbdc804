package machine

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

// Transitions equals the changes that Apply makes. The test explores all reachable states.
func TestTransitionsAreWhatApplyDoes(t *testing.T) {
	t.Parallel()
	seen := map[Arrow]bool{
		{"", StateBot, "open"}: true, {"", StateRequested, "hand over"}: true, {"", StateConnected, "a live agent writes"}: true,
	}
	explore(func(from Handover, e Event, to Handover) {
		if from.State != to.State {
			seen[Arrow{from.State, to.State, onOf(from, e, to)}] = true
		}
	})
	found := slices.SortedFunc(maps.Keys(seen), byTransition)
	require.Equal(t, found, Transitions())
}

func TestTransitionsAreSortedAndNoneTwice(t *testing.T) {
	t.Parallel()
	list := Transitions()
	require.True(t, slices.IsSortedFunc(list, byTransition))
	require.Len(t, slices.Compact(slices.Clone(list)), len(list))
}

func TestNoTransitionLeavesEnded(t *testing.T) {
	t.Parallel()
	left := map[State]bool{}
	for _, tr := range Transitions() {
		require.NotEqual(t, StateEnded, tr.From)
		require.NotEqual(t, tr.From, tr.To)
		left[tr.From] = true
	}
	require.Len(t, left, len(allStates()), "all but ended are left, and the beginning")
}

func byTransition(a, b Arrow) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.On, b.On))
}

// onOf describes an event with the texts of Transitions.
func onOf(from Handover, e Event, to Handover) string {
	const movedOn = "a message of ours opened another conversation"
	over := to.State == StateEnded
	if over && to.Ending.Code == CodeConversationMoved {
		return movedOn
	}
	switch e.Kind {
	case EvHandOver:
		return "hand over"
	case EvEnd:
		if over && from.OpeningTriedAt.IsZero() && from.ConversationID == "" {
			return "our side ends before the opening is sent"
		}
		return "our side ends"
	case EvTransferred:
		return "transferred"
	case EvAgentWrote:
		return "an agent writes"
	case EvRefused:
		return "refused"
	case EvFailed:
		return "failed"
	case EvSignalled:
		return "a signal reports the end in blind mode"
	case EvGone:
		return "Genesys no longer knows it"
	case EvRead:
		switch {
		case over && to.Ending.Code == CodeFlowNotAttached:
			return "refused"
		case over:
			return "a read shows the end"
		}
		return "a read shows it"
	case EvBlind:
		if to.Ending.Code == CodePermission {
			return "refused"
		}
	default:
	}
	return "nothing more can be done"
}

// A shape is a Handover without its times.
type shape struct {
	state                                                       State
	conversation, movedTo, stoodIn, botQueue                    string
	agent                                                       Agent
	tried, accepted, transferred, connected, gone, disconnected bool
	denied                                                      bool
	blind                                                       bool
	doubt                                                       genesys.Phase
}

func shapeOf(c Handover) shape {
	return shape{
		state: c.State, conversation: c.ConversationID, movedTo: c.MovedTo, stoodIn: c.LastQueueID, botQueue: c.BotQueue, agent: c.Agent,
		tried: !c.OpeningTriedAt.IsZero(), accepted: !c.OpeningAcceptedAt.IsZero(), transferred: !c.Transferred.IsZero(),
		connected: !c.Connected.IsZero(), gone: !c.GoneSince.IsZero(), disconnected: !c.DisconnectedAt.IsZero(), blind: c.Blind, doubt: c.Unconfirmed.Phase,
		denied: !c.Denied.IsZero(),
	}
}

// explore visits every step from the ways a session may begin, with short and long pauses.
func explore(visit func(from Handover, e Event, to Handover)) {
	type moment struct {
		Handover
		now Time
	}
	var todo []moment
	for _, s := range []State{StateBot, StateRequested, StateConnected} {
		c := Handover{Session: Session{State: s}, QueueID: "agents", ChangedAt: noon()}
		if s == StateConnected { // adopted
			c.ConversationID, c.OpeningTriedAt, c.OpeningAcceptedAt, c.Connected, c.Routing = "conversation", noon(), noon(), noon(), RouteByFlow
		}
		todo = append(todo, moment{c, noon()})
	}
	seen := map[shape]bool{}
	for len(todo) > 0 {
		m := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[shapeOf(m.Handover)] {
			continue
		}
		seen[shapeOf(m.Handover)] = true
		for _, pause := range []time.Duration{time.Second, 2 * time.Minute} {
			now := m.now.Add(pause)
			for _, c := range engineSteps(m.Handover, now) {
				todo = append(todo, moment{c, now})
			}
			for _, e := range possible(m.Handover, now) {
				next, _ := Apply(m.Handover, e, now)
				visit(m.Handover, e, next)
				todo = append(todo, moment{next, now})
			}
		}
	}
}

// engineSteps returns the fields that the engine itself sets in a Handover.
func engineSteps(c Handover, now Time) []Handover {
	var list []Handover
	if c.OpeningTriedAt.IsZero() && (c.State == StateBot || c.State == StateRequested) {
		tried := c
		tried.OpeningTriedAt = now
		list = append(list, tried)
	}
	if c.State == StateEnding && c.ConversationID != "" {
		disconnected := c
		disconnected.DisconnectedAt = now
		list = append(list, disconnected)
	}
	return list
}

// possible returns the events that the engine may apply to a Handover.
func possible(c Handover, now Time) []Event {
	list := []Event{{Kind: EvHandOver}, {Kind: EvEnd, Reason: EndByBot}, {Kind: EvRefused}, {Kind: EvFailed}, {Kind: EvReleased}}
	if !c.OpeningTriedAt.IsZero() {
		list = append(list, Event{Kind: EvAccepted, Conversation: "conversation"}, Event{Kind: EvAgentWrote})
	}
	if c.ConversationID == "" {
		return list
	}
	list = append(list, Event{Kind: EvMoved, Conversation: "other"}, Event{Kind: EvBlind, Began: now}, Event{Kind: EvSignalled, Began: now}, Event{Kind: EvGone, Began: now})
	if c.State == StateRequested && c.Routing == RouteByTransfer {
		list = append(list, Event{Kind: EvTransferred})
	}
	for _, p := range allPhases() {
		list = append(list, Event{Kind: EvRead, Began: now, Standing: standing(p)})
	}
	return append(list, Event{Kind: EvRead, Began: now, Standing: genesys.Standing{Phase: genesys.PhaseQueued, QueueID: "bots"}})
}
