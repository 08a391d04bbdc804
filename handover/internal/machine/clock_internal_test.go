package machine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shifted returns the Handover as it is when Genesys' clock is ahead.
func (c Handover) shifted(ahead time.Duration) Handover {
	for _, t := range []*Time{&c.OpeningTriedAt, &c.AgentWrote, &c.ConfirmedAt, &c.EndSignalledAt, &c.Came, &c.AgentsLeftAt, &c.AnsweredUntil, &c.Checked} {
		*t = shiftedTime(*t, ahead)
	}
	return c
}

// shifted is an event as it is when Genesys' clock is ahead.
func (e Event) shifted(ahead time.Duration) Event {
	e.Clock = Clock{Ahead: ahead}
	list := []*Time{&e.Came, &e.Left}
	if e.Kind == EvAgentWrote || e.Kind == EvSignalled {
		list = append(list, &e.Began)
	}
	for _, t := range list {
		*t = shiftedTime(*t, ahead)
	}
	for _, t := range []*time.Time{&e.Standing.EndedAt, &e.Standing.AloneSince} {
		*t = shiftedTime(TimeOf(*t), ahead).Std()
	}
	return e
}

// shiftedTime does not change a time that was counted from the zero time.
func shiftedTime(t Time, ahead time.Duration) Time {
	if t.Std().Year() <= 1970 {
		return t
	}
	return t.Add(ahead)
}

// clockEvents lists events of every kind, around the times of handoverIn.
func clockEvents() []Event {
	list := []Event{
		{Kind: EvHandOver},
		{Kind: EvEnd, Reason: EndByCustomer},
		{Kind: EvAccepted, Conversation: "conversation"},
		{Kind: EvTransferred},
		{Kind: EvBlind, Began: ago(time.Second)},
		{Kind: EvGone, Began: ago(time.Second)},
		{Kind: EvMoved, Conversation: "another"},
		{Kind: EvFailed},
		{Kind: EvReleased},
		{Kind: EvAgentWrote},
	}
	for _, at := range []Time{ago(20 * time.Minute), ago(time.Minute), ago(time.Second), after(time.Minute)} {
		list = append(list, Event{Kind: EvAgentWrote, Began: at}, Event{Kind: EvSignalled, Began: at})
	}
	for _, p := range allPhases() {
		for _, queue := range []string{"agents", "bots"} {
			for _, left := range []Time{0, ago(20 * time.Minute), ago(11 * time.Second), ago(10 * time.Second)} {
				e := shows(p, inQueue(queue))
				e.History = History{Came: ago(7 * time.Minute), Left: left}
				list = append(list, e)
			}
		}
	}
	return list
}

// With Genesys' clock ahead or behind, the same events lead to the same state at the same times of
// this machine, and to the same times of Genesys.
func TestStateMachineMixesNoClocks(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{time.Hour, -time.Hour, 15 * time.Second, -15 * time.Second} {
		for _, s := range allStates() {
			for i, ev := range clockEvents() {
				for name, with := range map[string]func(*Handover){
					"":            func(*Handover) {},
					"blind":       func(c *Handover) { c.Blind = true },
					"reported":    func(c *Handover) { c.EndSignalledAt = ago(30 * time.Second) },
					"left":        func(c *Handover) { c.AgentsLeftAt = ago(15 * time.Second) },
					"moved":       func(c *Handover) { c.MovedTo, c.MovedAt = "another", ago(time.Minute) },
					"closed":      func(c *Handover) { c.DisconnectedAt = ago(11 * time.Second) },
					"unseen":      func(c *Handover) { c.Connected, c.Came = 0, 0 },
					"just opened": func(c *Handover) { c.OpeningTriedAt = ago(10 * time.Second) },
				} {
					c := handoverIn(s)
					with(&c)
					want, effects := Apply(c, ev, noon())
					got, same := Apply(c.shifted(ahead), ev.shifted(ahead), noon())
					require.Equal(t, want.shifted(ahead), got, fmt.Sprint(ahead, s, i, ev.Kind, ev.Standing.Phase, name))
					require.Equal(t, effects, same)
				}
			}
		}
	}
}
