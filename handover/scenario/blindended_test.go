package scenario_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// blindSession hands c1 over in an organisation that forbids reads of conversations. Ann
// answers.
func blindSession(t *testing.T, h *host, ann *genesystest.Agent, id string) *genesystest.Desk {
	t.Helper()
	h.handOver(t, "c1", id)
	chat := ann.Wait(t).Accept()
	chat.Say("Hello from " + id)
	h.reaches(t, "c1", handover.StateConnected)
	pass(30 * time.Second)
	return chat
}

// TestRepeatedEndedSparesTheNextSession checks that a repeated report of an old end does not
// end the next session in the revived conversation. A report about the end of that session
// does.
func TestRepeatedEndedSparesTheNextSession(t *testing.T) {
	t.Parallel()
	for name, timed := range map[string]bool{"with the time of the end": true, "without a time": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := blindly(t)
				ann := org.Agent("Ann", "Support")
				h := newHost(t, org, byFlow)
				stamp := func() time.Time {
					if timed {
						return time.Now()
					}
					return time.Time{}
				}
				first := blindSession(t, h, ann, "r1")
				id := first.Conversation().ID()
				first.End()
				at := stamp()
				require.NoError(t, h.desk.Ended(t.Context(), "", id, at))
				h.reaches(t, "c1", handover.StateEnded)
				require.NoError(t, h.desk.Ended(t.Context(), "", id, at))

				h.handOver(t, "c1", "r2")
				pass(5 * time.Second)
				require.NoError(t, h.desk.Ended(t.Context(), "", id, at))
				pass(5 * time.Second)
				require.Equal(t, handover.StateRequested, h.session(t, "c1").State, "before an agent writes")
				second := ann.Wait(t).Accept()
				second.Say("Hello again")
				h.reaches(t, "c1", handover.StateConnected)
				require.Equal(t, id, second.Conversation().ID(), "the thread continues")
				require.NoError(t, h.desk.Ended(t.Context(), "", id, at))
				pass(time.Minute)
				require.Equal(t, handover.StateConnected, h.session(t, "c1").State)

				pass(20 * time.Minute)
				second.End()
				require.NoError(t, h.desk.Ended(t.Context(), "", id, stamp()))
				h.reaches(t, "c1", handover.StateEnded)
			})
		})
	}
}

// TestLateEndedSparesTheNextSession checks a report that arrives after the end was confirmed,
// without a session, and its repeat in the next session.
func TestLateEndedSparesTheNextSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := blindly(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org, byFlow)
		first := blindSession(t, h, ann, "r1")
		id := first.Conversation().ID()
		first.End()
		h.end(t, "c1", handover.EndByCustomer)
		h.reaches(t, "c1", handover.StateEnded)
		pass(time.Minute)
		require.NoError(t, h.desk.Ended(t.Context(), "", id, time.Time{}))
		second := blindSession(t, h, ann, "r2")
		require.Equal(t, id, second.Conversation().ID())
		require.NoError(t, h.desk.Ended(t.Context(), "", id, time.Time{}))
		pass(time.Minute)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
	})
}

// TestEndedIsDiscardedIfAnAgentWrites checks that a report of an end is discarded if an agent
// writes later, so that it does not end the session when reads first fail and are then
// forbidden.
func TestEndedIsDiscardedIfAnAgentWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		pass(time.Minute)
		id := chat.Conversation().ID()
		org.Inject(genesystest.Fault{Op: "conversations.get", Status: http.StatusServiceUnavailable, Times: -1})
		lie := time.Now()
		require.NoError(t, h.desk.Ended(t.Context(), "", id, lie))
		pass(10 * time.Second)
		chat.Say("I am still here")
		h.until(t, 1)
		org.ClearFaults()
		org.Inject(genesystest.Fault{Op: "conversations.get", Status: http.StatusForbidden, Times: -1})
		pass(10 * time.Minute)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		require.NoError(t, h.desk.Ended(t.Context(), "", id, lie), "repeated")
		pass(time.Minute)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		require.NoError(t, h.desk.Ended(t.Context(), "", id, time.Now()))
		h.reaches(t, "c1", handover.StateEnded)
	})
}

// TestEndedIsLimitedToItsChannel checks that a report with a channel changes only records of
// that channel.
func TestEndedIsLimitedToItsChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := blindly(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org, byFlow)
		id := blindSession(t, h, ann, "r1").Conversation().ID()
		require.NoError(t, h.desk.Ended(t.Context(), "another", id, time.Now()))
		pass(time.Minute)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		require.NoError(t, h.desk.Ended(t.Context(), org.Channel().ID, id, time.Now()))
		h.reaches(t, "c1", handover.StateEnded)
	})
}
