package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// read is one that began so long after noon, and is applied at once.
func readAt(after time.Duration, p genesys.Phase, with ...func(*genesys.Standing)) (event, time.Time) {
	e := shows(p, with...)
	e.Began = noon().Add(after)
	return e, e.Began
}

func TestAReadBegunBeforeTheLastMoveMovesNothing(t *testing.T) {
	t.Parallel()
	for _, s := range allStates() {
		for _, p := range allPhases() {
			for _, queue := range []string{"agents", "bots", "billing"} {
				was := coreIn(s)
				e := shows(p, inQueue(queue))
				e.Began = was.Changed.Add(-1)
				next, effects := apply(was, e, noon())
				require.Equal(t, s, next.State, "%s %s", s, p)
				require.Equal(t, was.Agent, next.Agent)
				require.Equal(t, was.Vouched, next.Vouched)
				require.Empty(t, effects)
			}
		}
	}
}

func TestNoReadWithoutAnEndEndsASession(t *testing.T) {
	t.Parallel()
	for _, s := range []State{StateBot, StateQueued, StateAlerting, StateConnected, StateEnding} {
		for _, p := range []genesys.Phase{genesys.PhaseUnknown, genesys.PhaseNotRouted, genesys.PhaseFlow, genesys.PhaseAlerting} {
			next, _ := apply(coreIn(s), shows(p), noon().Add(24*time.Hour))
			require.NotEqual(t, StateEnded, next.State, "%s %s", s, p)
		}
	}
}

func TestAMoveSoonAfterOurOwnWriteNeedsASecondRead(t *testing.T) {
	t.Parallel()
	bots := inQueue("bots")
	for name, test := range map[string]struct {
		phase genesys.Phase
		with  func(*genesys.Standing)
	}{
		"ended": {genesys.PhaseEnded, inQueue("")}, "wrapup": {genesys.PhaseWrapup, inQueue("agents")}, "bot queue": {genesys.PhaseQueued, bots},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := coreIn(StateConnected)
			c.Wrote = noon()
			e, now := readAt(5*time.Second-1, test.phase, test.with)
			first, _ := apply(c, e, now)
			require.Equal(t, StateConnected, first.State, "too soon")
			require.Equal(t, e.Began.Add(3*time.Second), first.PollAt, "the second read is 3 s later")
			require.False(t, first.Poll)

			e.Began = e.Began.Add(3*time.Second - 1)
			first.Wrote = e.Began // it is younger still
			early, _ := apply(first, e, e.Began)
			require.Equal(t, StateConnected, early.State, "less than 3 s after the first")

			e.Began = e.Began.Add(1)
			agrees, _ := apply(early, e, e.Began)
			require.Equal(t, StateEnded, agrees.State)

			e, now = readAt(5*time.Second, test.phase, test.with)
			late, _ := apply(c, e, now)
			require.Equal(t, StateEnded, late.State, "5 s after the write one read is enough")
		})
	}
}

func TestAReadThatDoesNotAgreeDispelsTheDoubt(t *testing.T) {
	t.Parallel()
	for _, s := range []State{StateBot, StateRequested, StateQueued, StateAlerting, StateConnected} {
		for _, p := range []genesys.Phase{genesys.PhaseUnknown, genesys.PhaseFlow, genesys.PhaseQueued, genesys.PhaseAlerting} {
			c := coreIn(s)
			c.Wrote = noon()
			e, now := readAt(time.Second, genesys.PhaseEnded)
			c, _ = apply(c, e, now)
			require.Equal(t, genesys.PhaseEnded, c.Doubt.Phase)
			e, now = readAt(2*time.Second, p)
			c, _ = apply(c, e, now)
			require.Zero(t, c.Doubt, "%s %s", s, p)
			c.Wrote = noon().Add(9 * time.Second)
			e, now = readAt(10*time.Second, genesys.PhaseEnded)
			c, _ = apply(c, e, now)
			require.NotEqual(t, StateEnded, c.State, "%s %s: only one read agrees with itself", s, p)
		}
	}
}

func TestFlowPatience(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		accepted time.Duration // before noon; 0: not yet
		want     State
	}{
		"not accepted": {0, StateRequested}, "29 s": {29 * time.Second, StateRequested}, "30 s": {30 * time.Second, StateEnded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := coreIn(StateRequested)
			c.Accepted = time.Time{}
			if test.accepted > 0 {
				c.Accepted = ago(test.accepted)
			}
			next, _ := apply(c, shows(genesys.PhaseNotRouted), noon())
			require.Equal(t, test.want, next.State)
			if test.want == StateEnded {
				require.Equal(t, EndRefused, next.Ending.Reason)
				require.Contains(t, next.Ending.Detail, "attach a flow to the integration (guide, step 7)")
			}
		})
	}
}

func TestWhoIsThereMayComeLater(t *testing.T) {
	t.Parallel()
	c, effects := apply(coreIn(StateQueued), event{Kind: evAgentSpoke}, noon())
	require.Equal(t, []NoticeKind{NoticeAgentJoined}, kinds(effects))
	require.Zero(t, c.Agent)
	require.Equal(t, noon().Add(firstRead), c.PollAt, "connected inferred from a message schedules a read")
	e, now := readAt(time.Second, genesys.PhaseConnected)
	c, effects = apply(c, e, now)
	require.Equal(t, anna(), c.Agent)
	require.Empty(t, effects, "joined was told already")
}

func TestAnAgentWhoseNameComesLaterHasNotDeclined(t *testing.T) {
	t.Parallel()
	c := coreIn(StateAlerting)
	c.Agent.Name = ""
	next, effects := apply(c, shows(genesys.PhaseAlerting), noon())
	require.Empty(t, effects)
	require.Equal(t, anna(), next.Agent)
}

func TestTheFirstConnectIsKept(t *testing.T) {
	t.Parallel()
	c := coreIn(StateConnected)
	first := c.Connected
	c, _ = apply(c, shows(genesys.PhaseQueued, inQueue("billing")), noon())
	require.Equal(t, noon(), c.Waiting, "the customer waits again")
	require.Zero(t, c.Agent)
	e, now := readAt(time.Minute, genesys.PhaseConnected, byAgent("b2", "Ben"))
	c, _ = apply(c, e, now)
	require.Equal(t, first, c.Connected)
	require.Zero(t, c.Waiting)
}

func TestTransferBetweenAgentQueues(t *testing.T) {
	t.Parallel()
	_, effects := apply(coreIn(StateConnected), shows(genesys.PhaseQueued, inQueue("billing")), noon())
	require.Equal(t, []effect{
		{Notice: NoticeAgentLeft, Agent: anna()},
		{Notice: NoticeTransferred, Agent: anna(), From: "agents", To: "billing"},
		{Notice: NoticeQueued, To: "billing"},
	}, effects)
}

// No bot queue is configured: the queue that the conversation came into first is it.
func TestBotQueueLearnedFromARead(t *testing.T) {
	t.Parallel()
	answered := func(c core) core {
		c, _ = apply(c, event{Kind: evTransferred}, noon())
		return c
	}
	unanswered := func(c core) core {
		c, _ = apply(c, shows(genesys.PhaseQueued), noon())
		return c
	}
	for name, transfer := range map[string]func(core) core{"answered": answered, "unanswered": unanswered} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := coreIn(StateRequested)
			c.BotQueue, c.StoodIn = "", ""
			first := shows(genesys.PhaseQueued, inQueue("entry"))
			first.Entry = "entry"
			c, _ = apply(c, first, ago(time.Second))
			require.Equal(t, StateRequested, c.State)
			c = transfer(c)
			require.Equal(t, StateQueued, c.State)
			e, now := readAt(time.Minute, genesys.PhaseQueued, inQueue("entry"))
			c, _ = apply(c, e, now)
			require.Equal(t, StateEnded, c.State, "bot queue seen after queued: the agent side is over")
		})
	}
}

func TestByFlowAnyQueueIsTheAgents(t *testing.T) {
	t.Parallel()
	c := coreIn(StateRequested)
	c.Routing, c.QueueID, c.BotQueue, c.StoodIn = RouteByFlow, "", "", ""
	c, effects := apply(c, shows(genesys.PhaseQueued, inQueue("flows choice")), noon())
	require.Equal(t, StateQueued, c.State)
	require.Equal(t, []NoticeKind{NoticeQueued}, kinds(effects))
	c, _ = apply(c, event{Kind: evBlind}, noon())
	require.Equal(t, StateQueued, c.State, "blind mode is by flow")
}

func TestReasonOfAnEnd(t *testing.T) {
	t.Parallel()
	for by, want := range map[string]EndReason{
		"agent": EndByAgent, "user": EndByAgent, "customer": EndByCustomer, "external": EndByCustomer, "": EndByGenesys, "acd": EndByGenesys,
	} {
		e := shows(genesys.PhaseEnded, func(s *genesys.Standing) { s.EndedBy = by })
		next, _ := apply(coreIn(StateConnected), e, noon())
		require.Equal(t, want, next.Ending.Reason, by)
		require.Equal(t, e.Standing.EndedAt, next.Ending.Time)
	}
}

func TestAStandsForTheConversation(t *testing.T) {
	t.Parallel()
	for p, vouches := range map[genesys.Phase]bool{
		genesys.PhaseConnected: true, genesys.PhaseParked: true, genesys.PhaseAlerting: true, genesys.PhaseQueued: true,
		genesys.PhaseUnknown: false, genesys.PhaseFlow: false, genesys.PhaseNotRouted: false,
	} {
		next, _ := apply(coreIn(StateConnected), shows(p), noon())
		require.Equal(t, vouches, next.Vouched.Equal(ago(time.Second)), p)
	}
	next, _ := apply(coreIn(StateRequested), shows(genesys.PhaseQueued, inQueue("bots")), noon())
	require.Zero(t, next.Vouched, "nobody reads what stands in the bot queue")
	next, _ = apply(coreIn(StateConnected), event{Kind: evAgentSpoke, Began: ago(30 * time.Second)}, noon())
	require.Equal(t, ago(30*time.Second), next.Vouched, "a webhook that comes late vouches for then, not for now")
}
