package machine

import (
	"cmp"
	"slices"
)

// An Arrow is one arrow of the state machine.
type Arrow struct {
	From, To State  // From is empty where a session begins
	On       string // the event or condition
}

// Transitions lists every arrow, sorted; the diagram in the documentation is made of it.
func Transitions() []Arrow {
	list := []Arrow{
		{"", StateBot, "open"},
		{"", StateRequested, "hand over"},
		{"", StateConnected, "a live agent writes"},
		{StateBot, StateRequested, "hand over"},
		{StateBot, StateEnded, "our side ends before the opening is sent"},
		{StateRequested, StateEnded, "our side ends before the opening is sent"},
		{StateRequested, StateQueued, "transferred"},
	}
	routed := []State{StateRequested, StateQueued, StateAlerting, StateConnected}
	for _, s := range routed {
		for _, to := range []State{StateQueued, StateAlerting, StateConnected} {
			if s != to {
				list = append(list, Arrow{s, to, "a read shows it"})
			}
		}
		if s != StateConnected {
			list = append(list, Arrow{s, StateConnected, "an agent writes"})
		}
	}
	list = append(list,
		Arrow{StateBot, StateConnected, "a read shows it"},
		Arrow{StateBot, StateConnected, "an agent writes"})
	for _, s := range append(slices.Clone(routed), StateBot, StateEnding) {
		list = append(list,
			Arrow{s, StateEnded, "a read shows the end"},
			Arrow{s, StateEnded, "a message of ours opened another conversation"},
			Arrow{s, StateEnded, "Genesys no longer knows it"},
			Arrow{s, StateEnded, "refused"},
			Arrow{s, StateEnded, "failed"})
		if s != StateBot {
			list = append(list, Arrow{s, StateEnded, "a signal reports the end in blind mode"})
		}
	}
	for _, s := range routed {
		list = append(list, Arrow{s, StateEnding, "our side ends"})
	}
	list = append(list, Arrow{StateBot, StateEnded, "our side ends"}, Arrow{StateEnding, StateEnded, "nothing more can be done"})
	slices.SortFunc(list, func(a, b Arrow) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.On, b.On))
	})
	return list
}
