package machine

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

// readAt returns a read that began the given time after noon and is applied at once.
func readAt(after time.Duration, p genesys.Phase, with ...func(*genesys.Standing)) (Event, Time) {
	e := shows(p, with...)
	e.Began = noon().Add(after)
	return e, e.Began
}

func TestAReadBegunBeforeTheLastMoveMovesNothing(t *testing.T) {
	t.Parallel()
	for _, s := range allStates() {
		for _, p := range allPhases() {
			for _, queue := range []string{"agents", "bots", "billing"} {
				was := handoverIn(s)
				e := shows(p, inQueue(queue))
				e.Began = was.ChangedAt.Add(-time.Microsecond)
				next, effects := Apply(was, e, noon())
				require.Equal(t, s, next.State, "%s %s", s, p)
				require.Equal(t, was.Agent, next.Agent)
				require.Equal(t, was.ConfirmedAt, next.ConfirmedAt)
				require.Empty(t, effects)
			}
		}
	}
}

func TestNoReadWithoutAnEndEndsASession(t *testing.T) {
	t.Parallel()
	for _, s := range []State{StateBot, StateQueued, StateAlerting, StateConnected, StateEnding} {
		for _, p := range []genesys.Phase{genesys.PhaseUnknown, genesys.PhaseNotRouted, genesys.PhaseFlow, genesys.PhaseAlerting} {
			next, _ := Apply(handoverIn(s), shows(p), noon().Add(24*time.Hour))
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
			c := handoverIn(StateConnected)
			c.LastWriteAt = noon()
			e, now := readAt(5*time.Second-1, test.phase, test.with)
			first, _ := Apply(c, e, now)
			require.Equal(t, StateConnected, first.State, "too soon")
			require.Equal(t, noon().Add(5*time.Second), first.PollAt, "the second read begins 5 s after the write")
			require.False(t, first.Poll)

			again, now := readAt(4*time.Second, test.phase, test.with)
			first, _ = Apply(c, again, now)
			again.Began = noon().Add(5*time.Second - time.Microsecond)
			first.LastWriteAt = again.Began // we wrote again
			early, _ := Apply(first, again, again.Began)
			require.Equal(t, StateConnected, early.State, "less than 5 s after the write")

			again.Began = again.Began.Add(time.Microsecond)
			agrees, _ := Apply(early, again, again.Began)
			require.Equal(t, StateEnded, agrees.State)

			e, now = readAt(5*time.Second, test.phase, test.with)
			late, _ := Apply(c, e, now)
			require.Equal(t, StateEnded, late.State, "5 s after the write one read is enough")
		})
	}
}

func TestAReadThatDoesNotAgreeDispelsTheDoubt(t *testing.T) {
	t.Parallel()
	for _, s := range []State{StateBot, StateRequested, StateQueued, StateAlerting, StateConnected} {
		for _, p := range []genesys.Phase{genesys.PhaseUnknown, genesys.PhaseFlow, genesys.PhaseQueued, genesys.PhaseAlerting} {
			c := handoverIn(s)
			c.LastWriteAt = noon()
			e, now := readAt(time.Second, genesys.PhaseEnded)
			c, _ = Apply(c, e, now)
			require.Equal(t, genesys.PhaseEnded, c.Unconfirmed.Phase)
			e, now = readAt(2*time.Second, p)
			c, _ = Apply(c, e, now)
			require.Zero(t, c.Unconfirmed, "%s %s", s, p)
			c.LastWriteAt = noon().Add(9 * time.Second)
			e, now = readAt(10*time.Second, genesys.PhaseEnded)
			c, _ = Apply(c, e, now)
			require.NotEqual(t, StateEnded, c.State, "%s %s: only one read agrees with itself", s, p)
		}
	}
}

// The context of a HandOver opens a conversation that ended in the bot queue again. So that end
// does not end the session until Genesys has the context.
func TestContextReopensAnEndedConversation(t *testing.T) {
	t.Parallel()
	for _, p := range []genesys.Phase{genesys.PhaseEnded, genesys.PhaseWrapup} {
		e := shows(p)
		e.Reopens = true
		c, effects := Apply(handoverIn(StateRequested), e, noon())
		require.Equal(t, StateRequested, c.State)
		require.Empty(t, effects)
		e.Reopens = false
		c, _ = Apply(c, e, noon())
		require.Equal(t, StateEnded, c.State)
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
			c := handoverIn(StateRequested)
			c.OpeningAcceptedAt = 0
			if test.accepted > 0 {
				c.OpeningAcceptedAt = ago(test.accepted)
			}
			next, _ := Apply(c, shows(genesys.PhaseNotRouted), noon())
			require.Equal(t, test.want, next.State)
			if test.want == StateEnded {
				require.Equal(t, EndRefused, next.Ending.Reason)
				require.Contains(t, next.Ending.Detail, "attach a flow to the integration (docs/setup.md#step-7)")
			}
		})
	}
}

func TestWhoIsThereMayComeLater(t *testing.T) {
	t.Parallel()
	c, effects := Apply(handoverIn(StateQueued), Event{Kind: EvAgentWrote}, noon())
	require.Equal(t, []NoticeKind{NoticeAgentJoined}, kinds(effects))
	require.Zero(t, c.Agent)
	require.Equal(t, noon().Add(FirstRead), c.PollAt, "connected inferred from a message schedules a read")
	e, now := readAt(time.Second, genesys.PhaseConnected)
	c, effects = Apply(c, e, now)
	require.Equal(t, anna(), c.Agent)
	require.Empty(t, effects, "joined was reported already")
}

func TestAgentNamedLaterHasNotDeclined(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateAlerting)
	c.Agent.Name = ""
	next, effects := Apply(c, shows(genesys.PhaseAlerting), noon())
	require.Empty(t, effects)
	require.Equal(t, anna(), next.Agent)
}

func TestTheFirstConnectIsKept(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateConnected)
	first := c.Connected
	c, _ = Apply(c, shows(genesys.PhaseQueued, inQueue("billing")), noon())
	require.Equal(t, noon(), c.WaitingSince, "the customer waits again")
	require.Zero(t, c.Agent)
	e, now := readAt(time.Minute, genesys.PhaseConnected, byAgent("b2", "Ben"))
	c, _ = Apply(c, e, now)
	require.Equal(t, first, c.Connected)
	require.Zero(t, c.WaitingSince)
}

func TestTransferBetweenAgentQueues(t *testing.T) {
	t.Parallel()
	_, effects := Apply(handoverIn(StateConnected), shows(genesys.PhaseQueued, inQueue("billing")), noon())
	require.Equal(t, []Effect{
		{Notice: NoticeAgentLeft, Agent: anna()},
		{Notice: NoticeTransferred, Agent: anna(), From: "agents", To: "billing"},
		{Notice: NoticeQueued, To: "billing"},
	}, effects)
}

// Without a configured bot queue, the first queue of the conversation is the bot queue.
func TestBotQueueLearnedFromARead(t *testing.T) {
	t.Parallel()
	answered := func(c Handover) Handover {
		c, _ = Apply(c, Event{Kind: EvTransferred}, noon())
		return c
	}
	unanswered := func(c Handover) Handover {
		c, _ = Apply(c, shows(genesys.PhaseQueued), noon())
		return c
	}
	for name, transfer := range map[string]func(Handover) Handover{"answered": answered, "unanswered": unanswered} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := handoverIn(StateRequested)
			c.BotQueue, c.LastQueueID = "", ""
			first := shows(genesys.PhaseQueued, inQueue("entry"))
			first.Entry = "entry"
			c, _ = Apply(c, first, ago(time.Second))
			require.Equal(t, StateRequested, c.State)
			c = transfer(c)
			require.Equal(t, StateQueued, c.State)
			e, now := readAt(time.Minute, genesys.PhaseQueued, inQueue("entry"))
			c, _ = Apply(c, e, now)
			require.Equal(t, StateEnded, c.State, "bot queue seen after queued: the agent side is over")
		})
	}
}

func TestByFlowAnyQueueIsTheAgents(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateRequested)
	c.Routing, c.QueueID, c.BotQueue, c.LastQueueID = RouteByFlow, "", "", ""
	c, effects := Apply(c, shows(genesys.PhaseQueued, inQueue("flows choice")), noon())
	require.Equal(t, StateQueued, c.State)
	require.Equal(t, []NoticeKind{NoticeQueued}, kinds(effects))
	c, _ = Apply(denied(c), Event{Kind: EvBlind, Began: noon()}, noon())
	require.True(t, c.Blind)
	require.Equal(t, StateQueued, c.State, "blind mode is by flow")
}

// A read that shows the customer without an agent, and another one two minutes later, end the
// session in every open state. Only if an agent was known, one is reported as left, once.
func TestAloneEndsAfterTwoMinutes(t *testing.T) {
	t.Parallel()
	alone := func(s *genesys.Standing) { s.AloneSince = ago(time.Hour).Std() }
	for _, s := range []State{StateBot, StateRequested, StateQueued, StateAlerting, StateConnected} {
		c, effects := Apply(handoverIn(s), shows(genesys.PhaseUnknown, alone), noon())
		require.Equal(t, s, c.State)
		left := []NoticeKind{}
		if s == StateConnected {
			left = []NoticeKind{NoticeAgentLeft}
			require.Equal(t, anna(), effects[0].Agent)
			require.Zero(t, c.Agent)
		}
		require.Equal(t, left, kinds(effects), s)
		e, now := readAt(time.Minute, genesys.PhaseUnknown, alone)
		c, effects = Apply(c, e, now)
		require.Empty(t, effects, s)
		require.False(t, c.PollAt.After(c.AloneSince.Add(AlonePatience)), s)
		e.Began = c.AloneSince.Add(AlonePatience - time.Microsecond)
		still, _ := Apply(c, e, e.Began)
		require.Equal(t, s, still.State)
		between, _ := Apply(c, shows(genesys.PhaseFlow), noon())
		between, _ = Apply(between, e, c.AloneSince.Add(AlonePatience))
		require.Equal(t, s, between.State, "the two minutes begin again")
		e.Began = c.AloneSince.Add(AlonePatience)
		c, effects = Apply(c, e, e.Began)
		require.Equal(t, StateEnded, c.State)
		require.Equal(t, []NoticeKind{NoticeEnded}, kinds(effects), s)
		require.Equal(t, Ending{Reason: EndByAgent, Code: CodeLeftOpen, Time: e.Began, Detail: c.Ending.Detail}, c.Ending)
		require.Equal(t, LeftoverOpen, c.Leftover)
	}
	ending, effects := Apply(handoverIn(StateEnding), shows(genesys.PhaseUnknown, alone), noon())
	require.Zero(t, ending.AloneSince)
	require.Empty(t, effects)
}

// An event after a moment without an agent is reported without a second notice that the agent left.
func TestAfterAMomentAlone(t *testing.T) {
	t.Parallel()
	c, _ := Apply(handoverIn(StateConnected), shows(genesys.PhaseUnknown, func(s *genesys.Standing) { s.AloneSince = ago(time.Second).Std() }), noon())
	c.AgentsLeftAt = ago(time.Second)
	for name, test := range map[string]struct {
		event Event
		want  []NoticeKind
	}{
		"the same agent":   {shows(genesys.PhaseConnected), []NoticeKind{NoticeAgentJoined}},
		"another agent":    {shows(genesys.PhaseConnected, byAgent("b2", "Ben")), []NoticeKind{NoticeAgentJoined}},
		"it rings":         {shows(genesys.PhaseAlerting, byAgent("b2", "Ben")), []NoticeKind{NoticeAlerting}},
		"a queue":          {shows(genesys.PhaseQueued), []NoticeKind{NoticeQueued}},
		"the end":          {shows(genesys.PhaseEnded), []NoticeKind{NoticeEnded}},
		"a message":        {Event{Kind: EvAgentWrote, Began: noon()}, []NoticeKind{NoticeAgentJoined}},
		"an older message": {Event{Kind: EvAgentWrote, Began: ago(2 * time.Second)}, []NoticeKind{}},
	} {
		next, effects := Apply(c, test.event, noon())
		require.Equal(t, test.want, kinds(effects), name)
		if len(test.want) > 0 {
			require.Zero(t, next.AloneSince, name)
		}
	}
}

// A message of the customer revives the conversation: for a moment the customer is without an
// agent, then the conversation waits in the bot queue, and a second read confirms that. The agent
// leaves once.
func TestAloneBeforeTheBotQueue(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateConnected)
	c.LastWriteAt = noon()
	e, now := readAt(time.Second, genesys.PhaseUnknown, func(s *genesys.Standing) { s.AloneSince = noon().Std() })
	c, effects := Apply(c, e, now)
	require.Equal(t, []NoticeKind{NoticeAgentLeft}, kinds(effects))
	e, now = readAt(3*time.Second, genesys.PhaseQueued, inQueue("bots"))
	c, effects = Apply(c, e, now)
	require.Equal(t, StateConnected, c.State)
	require.Empty(t, effects)
	e, now = readAt(5*time.Second, genesys.PhaseQueued, inQueue("bots"))
	c, effects = Apply(c, e, now)
	require.Equal(t, StateEnded, c.State)
	require.Equal(t, []NoticeKind{NoticeEnded}, kinds(effects))
}

// A read with a newest leg that is older than one already seen confirms nothing and changes
// nothing.
func TestAReadWithOlderLegsIsIgnored(t *testing.T) {
	t.Parallel()
	for _, s := range []State{StateBot, StateRequested, StateQueued, StateAlerting, StateConnected, StateEnding} {
		for _, p := range allPhases() {
			was := handoverIn(s)
			was.Newest, was.Ended = ago(time.Minute), "a b"
			e := shows(p)
			e.Legs = Legs{Newest: ago(time.Minute - time.Microsecond).Add(-2 * time.Microsecond), Ended: "a"}
			next, effects := Apply(was, e, noon())
			require.Empty(t, effects, "%s %s", s, p)
			require.Equal(t, was.State, next.State, "%s %s", s, p)
			require.Equal(t, was.Legs, next.Legs)
			require.Equal(t, was.ConfirmedAt, next.ConfirmedAt)
			e.Legs.Newest = ago(time.Minute)
			next, _ = Apply(was, e, noon())
			require.Equal(t, "a", next.Ended)
		}
	}
}

func TestReasonOfAnEnd(t *testing.T) {
	t.Parallel()
	for by, want := range map[string]EndReason{
		"agent": EndByAgent, "user": EndByAgent, "customer": EndByCustomer, "external": EndByCustomer, "": EndByGenesys, "acd": EndByGenesys,
	} {
		e := shows(genesys.PhaseEnded, func(s *genesys.Standing) { s.EndedBy = by })
		next, _ := Apply(handoverIn(StateConnected), e, noon())
		require.Equal(t, want, next.Ending.Reason, by)
		require.Equal(t, TimeOf(e.Standing.EndedAt), next.Ending.Time)
	}
}

func TestConfirmedAt(t *testing.T) {
	t.Parallel()
	for p, vouches := range map[genesys.Phase]bool{
		genesys.PhaseConnected: true, genesys.PhaseParked: true, genesys.PhaseAlerting: true, genesys.PhaseQueued: true,
		genesys.PhaseUnknown: false, genesys.PhaseFlow: false, genesys.PhaseNotRouted: false,
	} {
		next, _ := Apply(handoverIn(StateConnected), shows(p), noon())
		require.Equal(t, vouches, next.ConfirmedAt == ago(time.Second), p)
	}
	next, _ := Apply(handoverIn(StateRequested), shows(genesys.PhaseQueued, inQueue("bots")), noon())
	require.Zero(t, next.ConfirmedAt, "agents do not read a conversation in the bot queue")
	next, _ = Apply(handoverIn(StateConnected), Event{Kind: EvAgentWrote, Began: ago(30 * time.Second)}, noon())
	require.Equal(t, ago(30*time.Second), next.ConfirmedAt, "a late webhook proves the state at its time, not now")
}
