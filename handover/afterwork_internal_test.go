package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// afterWork is a session whose agent is at after-call work, as a read a second before noon showed.
func afterWork(t *testing.T) *edit {
	t.Helper()
	e := newEdit(fileIn(StateConnected))
	e.Now.AwaitWrapup = true
	e.Now.CustomerAt, e.Now.Timers.AgentIdle = ago(time.Minute), 2*time.Minute
	ev := shows(genesys.PhaseWrapup)
	ev.Came, ev.Left = e.Now.Connected, ev.Standing.EndedAt
	e.apply(ev)
	require.Equal(t, StateConnected, e.Now.State)
	e.queue(Text("m1", "thanks"))
	return e
}

// An end that waits for after-call work is known already: where no read comes, it waits no longer than it may.
func TestAfterCallWorkThatNoReadSeesEnds(t *testing.T) {
	t.Parallel()
	unreachable := refusedWith(503)
	blind := refusedWith(403)
	for name, test := range map[string]struct {
		outcome outcome
		after   time.Duration
	}{
		"reads fail":          {outcome{duty: dutyLook, err: unreachable, read: &reading{err: unreachable}}, wrapupPatience},
		"it may not be read":  {outcome{duty: dutyLook, err: blind, read: &reading{err: blind, blind: true}}, 0},
		"a share is spent":    {outcome{duty: dutyLook, err: &waitError{}, read: &reading{err: &waitError{}}}, wrapupPatience},
		"the channel is gone": {outcome{duty: dutyLook, err: ErrNoChannel}, wrapupPatience},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := afterWork(t)
			for range 1000 {
				if e.open() == nil {
					break
				}
				kind, at := e.duty()
				require.Equal(t, dutyLook, kind)
				e.now = later(e.now, at)
				j, o := jobOn(t, e, control), test.outcome
				if o.read != nil {
					r := *o.read
					r.began = e.now
					o.read = &r
				}
				e.settleAs(j, o)
			}
			require.Nil(t, e.open())
			require.LessOrEqual(t, e.now, noon().Add(test.after+backoffLast))
			require.Equal(t, Ending{Reason: EndByAgent, Time: ago(10 * time.Second), Code: "client"}, e.Now.Ending)
			require.Equal(t, []string{"thanks"}, texts(firstReturn(t, e.file).Back))
		})
	}
}

func TestASignalEndsAfterCallWorkThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	e := afterWork(t)
	e.apply(event{Kind: evReleased})
	require.Equal(t, EndByAgent, e.Now.Ending.Reason)

	e = afterWork(t)
	e.apply(shows(genesys.PhaseConnected))
	require.Zero(t, e.Now.Over, "it goes on after all")
	e.apply(event{Kind: evReleased})
	require.Equal(t, StateConnected, e.Now.State)
}
