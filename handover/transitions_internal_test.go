package handover

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// Transitions equals what apply does: everything that can be reached is explored.
func TestTransitionsAreWhatApplyDoes(t *testing.T) {
	t.Parallel()
	seen := map[Transition]bool{
		{"", StateBot, "open"}: true, {"", StateRequested, "hand over"}: true, {"", StateConnected, "a live agent writes"}: true,
	}
	explore(func(from core, e event, to core) {
		if from.State != to.State {
			seen[Transition{from.State, to.State, onOf(e, to)}] = true
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

func byTransition(a, b Transition) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.On, b.On))
}

// onOf says what happened in the words of Transitions.
func onOf(e event, to core) string {
	const movedOn = "a message of ours opened another conversation"
	over := to.State == StateEnded
	if over && to.Ending.Code == CodeConversationMoved {
		return movedOn
	}
	switch e.Kind {
	case evHandOver:
		return "hand over"
	case evEnd:
		if over {
			return "our side ends before Genesys heard of it"
		}
		return "our side ends"
	case evTransferred:
		return "transferred"
	case evAgentSpoke:
		return "an agent writes"
	case evRefused:
		return "refused"
	case evFailed:
		return "failed"
	case evSignalled:
		return "a signal says so in blind mode"
	case evGone:
		return "Genesys no longer knows it"
	case evRead:
		switch {
		case over && to.Ending.Code == CodeFlowNotAttached:
			return "refused"
		case over:
			return "a read shows the end"
		}
		return "a read shows it"
	case evBlind:
		if to.Ending.Code == CodePermission {
			return "refused"
		}
	default:
	}
	return "nothing more can be done"
}

// A shape is what matters of a core but for times.
type shape struct {
	state                                               State
	conversation, movedTo, stoodIn, botQueue            string
	agent                                               Agent
	tried, accepted, transferred, connected, gone, told bool
	blind                                               bool
	doubt                                               genesys.Phase
}

func shapeOf(c core) shape {
	return shape{
		state: c.State, conversation: c.ConversationID, movedTo: c.MovedTo, stoodIn: c.StoodIn, botQueue: c.BotQueue, agent: c.Agent,
		tried: !c.Tried.IsZero(), accepted: !c.Accepted.IsZero(), transferred: !c.Transferred.IsZero(),
		connected: !c.Connected.IsZero(), gone: !c.Gone.IsZero(), told: !c.Disconnected.IsZero(), blind: c.Blind, doubt: c.Doubt.Phase,
	}
}

// explore visits every step from the ways a session may begin, with short and long pauses.
func explore(visit func(from core, e event, to core)) {
	type moment struct {
		core
		now time.Time
	}
	var todo []moment
	for _, s := range []State{StateBot, StateRequested, StateConnected} {
		c := core{Session: Session{State: s}, QueueID: "agents", Changed: noon()}
		if s == StateConnected { // adopted
			c.ConversationID, c.Tried, c.Accepted, c.Connected, c.Routing = "conversation", noon(), noon(), noon(), RouteByFlow
		}
		todo = append(todo, moment{c, noon()})
	}
	seen := map[shape]bool{}
	for len(todo) > 0 {
		m := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[shapeOf(m.core)] {
			continue
		}
		seen[shapeOf(m.core)] = true
		for _, pause := range []time.Duration{time.Second, 2 * time.Minute} {
			now := m.now.Add(pause)
			for _, c := range shellSteps(m.core, now) {
				todo = append(todo, moment{c, now})
			}
			for _, e := range possible(m.core, now) {
				next, _ := apply(m.core, e, now)
				visit(m.core, e, next)
				todo = append(todo, moment{next, now})
			}
		}
	}
}

// shellSteps are what the shell itself notes in a core.
func shellSteps(c core, now time.Time) []core {
	var list []core
	if c.Tried.IsZero() && (c.State == StateBot || c.State == StateRequested) {
		tried := c
		tried.Tried = now
		list = append(list, tried)
	}
	if c.State == StateEnding && c.ConversationID != "" {
		told := c
		told.Disconnected = now
		list = append(list, told)
	}
	return list
}

// possible are the events that the shell may apply to a core.
func possible(c core, now time.Time) []event {
	list := []event{{Kind: evHandOver}, {Kind: evEnd, Reason: EndByBot}, {Kind: evRefused}, {Kind: evFailed}, {Kind: evReleased}}
	if !c.Tried.IsZero() {
		list = append(list, event{Kind: evAccepted, Conversation: "conversation"}, event{Kind: evAgentSpoke})
	}
	if c.ConversationID == "" {
		return list
	}
	list = append(list, event{Kind: evMoved, Conversation: "other"}, event{Kind: evBlind}, event{Kind: evSignalled}, event{Kind: evGone, Began: now})
	if c.State == StateRequested && c.Routing == RouteByTransfer {
		list = append(list, event{Kind: evTransferred})
	}
	for _, p := range allPhases() {
		list = append(list, event{Kind: evRead, Began: now, Standing: standing(p)})
	}
	return append(list, event{Kind: evRead, Began: now, Standing: genesys.Standing{Phase: genesys.PhaseQueued, QueueID: "bots"}})
}
