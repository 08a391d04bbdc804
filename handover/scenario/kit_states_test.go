package scenario_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// An apiDesk is a host with its customer in one of apiStates.
type apiDesk struct {
	*apiHost

	in       string // one of apiStates
	before   handover.Session
	chat     *genesystest.Desk
	release  func() // in "returning": lets Return return
	released chan struct{}
}

// agents reports whether the state is requested, queued, alerting or connected.
func (d *apiDesk) agents() bool {
	return d.in == "requested" || d.in == "queued" || d.in == "alerting" || d.in == "connected"
}

// over reports whether no session is open.
func (d *apiDesk) over() bool {
	return d.in == "none" || d.in == "ended" || d.in == "waiting" || d.in == "returning"
}

func apiStates() []string {
	return []string{
		"none", "bot", "requested", "queued", "alerting", "connected", "ending",
		"waiting",   // ended, the Return has not begun
		"returning", // Return runs
		"ended",     // Return has succeeded
	}
}

// eachState runs f once for every state, each time in a new bubble and organisation.
func eachState(t *testing.T, f func(t *testing.T, d *apiDesk), opts ...genesystest.Option) {
	t.Helper()
	for _, in := range apiStates() {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { f(t, reach(t, in, opts...)) })
		})
	}
}

// reach builds a host and brings its customer into a state.
func reach(t *testing.T, in string, opts ...genesystest.Option) *apiDesk {
	t.Helper()
	if in == "requested" {
		// No flow takes the message for 30 s. Without a second leg only a fifth permission
		// allows the end.
		opts = append(opts, genesystest.WithoutFlow(),
			genesystest.WithPermissions(append(genesystest.GuidePermissions(), "conversation:communication:disconnect")...))
	}
	org := genesystest.New(t, opts...)
	released := make(chan struct{})
	d := &apiDesk{in: in, released: released, release: sync.OnceFunc(func() { close(released) })}
	t.Cleanup(d.release)
	d.apiHost = newAPIHost(t, org, nil)
	org.Signal(d.Recheck)
	d.enter(t)
	d.before, _ = d.Session(t.Context(), d.key)
	return d
}

func (d *apiDesk) enter(t *testing.T) {
	t.Helper()
	switch d.in {
	case "none":
	case "bot":
		_, err := d.Open(t.Context(), d.key, handover.Request{ID: "o1", Summary: "summary o1"})
		require.NoError(t, err)
		genesystest.Until(t, func() bool {
			c := d.org.Conversation(d.key.Customer)
			return c != nil && c.Phase() == "queued" && d.session(t).ConversationID != ""
		})
	default:
		d.handOver(t, "r1")
		d.meet(t)
	}
}

// meet continues from the request to the state.
func (d *apiDesk) meet(t *testing.T) {
	t.Helper()
	switch d.in {
	case "requested":
		genesystest.Until(t, func() bool { return d.session(t).ConversationID != "" })
		return
	case "queued":
		d.until(t, handover.StateQueued)
		return
	}
	ann := d.org.Agent("Ann", "Support")
	offer := ann.Wait(t)
	if d.in == "alerting" {
		d.until(t, handover.StateAlerting)
		return
	}
	d.chat = offer.Accept()
	d.until(t, handover.StateConnected)
	switch d.in {
	case "ending":
		d.org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Times: -1})
		require.NoError(t, d.End(t.Context(), d.key, handover.EndByBot))
	case "waiting":
		d.chat.End()
		d.until(t, handover.StateEnded)
		require.Empty(t, d.returned())
	case "returning":
		d.block(t)
	case "ended":
		d.chat.End()
		genesystest.Until(t, func() bool { return d.noticed(handover.NoticeReturned) == 1 })
	}
}

// block makes the first Return wait until release.
func (d *apiDesk) block(t *testing.T) {
	t.Helper()
	d.onReturn = func(ctx context.Context, _ handover.Return) error {
		select {
		case <-d.released:
			return nil
		case <-ctx.Done():
			return errors.New("the test took too long")
		}
	}
	d.chat.End()
	genesystest.Until(t, func() bool { return len(d.returned()) == 1 })
}

// settle waits until no work is left. Disconnects may be retried, and a Return may finish.
func (d *apiDesk) settle(t *testing.T) {
	t.Helper()
	synctest.Wait()
	d.org.ClearFaults()
	d.release()
	pass(20 * time.Second)
	synctest.Wait()
}

// TestStatesAreReached checks that the other tests begin in the state they name.
func TestStatesAreReached(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		want := d.in
		if d.over() && want != "none" {
			want = string(handover.StateEnded)
		}
		require.Equal(t, want, d.state(t))
		turn, err := d.Turn(t.Context(), d.key)
		require.NoError(t, err)
		if d.agents() || d.in == "ending" || d.in == "waiting" {
			require.Equal(t, handover.TurnAgent, turn)
		} else {
			require.Equal(t, handover.TurnBot, turn, "while Return runs the bot may speak")
		}
		d.settle(t)
		if d.in != "none" && d.in != "bot" && !d.agents() {
			require.Len(t, d.returned(), 1)
		}
	})
}
