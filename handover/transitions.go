package handover

import (
	"cmp"
	"slices"
)

// A Transition is one arrow of the state machine.
type Transition struct {
	From, To State  // From is empty where a session begins
	On       string // what happens
}

// Transitions lists every arrow, sorted; the diagram in the documentation is made of it. A test compares it with what the
// state machine does.
func Transitions() []Transition {
	list := []Transition{
		{"", StateBot, "open"},
		{"", StateRequested, "hand over"},
		{"", StateConnected, "a live agent writes"},
		{StateBot, StateRequested, "hand over"},
		{StateBot, StateEnded, "our side ends before Genesys heard of it"},
		{StateRequested, StateEnded, "our side ends before Genesys heard of it"},
		{StateRequested, StateQueued, "transferred"},
	}
	routed := []State{StateRequested, StateQueued, StateAlerting, StateConnected}
	for _, s := range routed {
		for _, to := range []State{StateQueued, StateAlerting, StateConnected} {
			if s != to {
				list = append(list, Transition{s, to, "a read shows it"})
			}
		}
		if s != StateConnected {
			list = append(list, Transition{s, StateConnected, "an agent writes"})
		}
	}
	list = append(list,
		Transition{StateBot, StateConnected, "a read shows it"},
		Transition{StateBot, StateConnected, "an agent writes"})
	for _, s := range append(routed, StateBot) {
		list = append(list,
			Transition{s, StateEnding, "our side ends"},
			Transition{s, StateEnded, "a read shows the end"},
			Transition{s, StateEnded, "a message of ours opened another conversation"},
			Transition{s, StateEnded, "Genesys no longer knows it"},
			Transition{s, StateEnded, "refused"},
			Transition{s, StateEnded, "failed"})
		if s != StateBot {
			list = append(list, Transition{s, StateEnded, "a signal says so in blind mode"})
		}
	}
	list = append(list,
		Transition{StateEnding, StateEnded, "a read shows the end"},
		Transition{StateEnding, StateEnded, "a message of ours opened another conversation"},
		Transition{StateEnding, StateEnded, "Genesys no longer knows it"},
		Transition{StateEnding, StateEnded, "refused"},
		Transition{StateEnding, StateEnded, "failed"},
		Transition{StateEnding, StateEnded, "a signal says so in blind mode"},
		Transition{StateEnding, StateEnded, "nothing more can be done"})
	slices.SortFunc(list, func(a, b Transition) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.On, b.On))
	})
	return list
}
