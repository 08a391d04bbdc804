package machine

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

// pollOf applies a read that no signal requested.
func pollOf(c Handover, began Time, p genesys.Phase, with ...func(*genesys.Standing)) (Handover, []Effect) {
	c.Poll, c.PollAt = true, began
	e := shows(p, with...)
	e.Began = began
	return Apply(c, e, began.Add(time.Second))
}

// Two steps in a row that no signal announced: the source has died. One may just have been lost.
func TestASourceThatMissesStepsIsReported(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateQueued)
	c.SignalledAt = ago(2 * time.Minute)
	c, effects := pollOf(c, noon(), genesys.PhaseConnected)
	require.Equal(t, []NoticeKind{NoticeAgentJoined}, kinds(effects), "one may be late")
	c, effects = pollOf(c, noon().Add(time.Minute), genesys.PhaseConnected, byAgent("b2", "Ben"))
	require.Equal(t, []NoticeKind{NoticeAgentLeft, NoticeAgentJoined, NoticeConnectionLost}, kinds(effects))
	require.Zero(t, c.SignalledAt)
	require.LessOrEqual(t, c.PollAt.Sub(noon().Add(time.Minute)), time.Second+FirstPoll, "polls are frequent again")
	_, effects = pollOf(c, noon().Add(2*time.Minute), genesys.PhaseConnected)
	require.Equal(t, []NoticeKind{NoticeAgentLeft, NoticeAgentJoined}, kinds(effects), "reported once")
}

// Where nothing ever signalled, nothing is missed.
func TestPollingAloneIsNoLoss(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateQueued)
	for i, agent := range []string{"a1", "b2", "a1", "b2"} {
		var effects []Effect
		c, effects = pollOf(c, noon().Add(time.Duration(i)*time.Minute), genesys.PhaseConnected, byAgent(agent, agent))
		require.NotContains(t, kinds(effects), NoticeConnectionLost)
	}
}

func TestASocketVouchesForItsSilence(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		signalled time.Duration // before noon; the last move was a minute before it
		trusted   bool
	}{
		"it announced the last move":           {signalled: time.Minute, trusted: true},
		"and more since":                       {signalled: time.Second, trusted: true},
		"it did not announce the last":         {signalled: 2 * time.Minute},
		"it never signalled this conversation": {},
		"hours ago, and nothing happened":      {signalled: 5 * time.Hour, trusted: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := handoverIn(StateConnected)
			if test.signalled > 0 {
				c.SignalledAt = ago(test.signalled)
			}
			if test.signalled > time.Hour {
				c.ChangedAt = ago(test.signalled)
			}
			c, effects := Apply(c, Event{Kind: EvSocket, Alive: true}, noon())
			require.Empty(t, effects)
			require.True(t, c.Socket)
			require.Equal(t, test.trusted, c.SignalledAt == noon())
		})
	}
}

func TestASocketThatIsGoneIsReportedOnce(t *testing.T) {
	t.Parallel()
	c, _ := Apply(handoverIn(StateConnected), Event{Kind: EvSocket, Alive: true}, noon())
	c.PollAt, c.PollEvery = noon().Add(SourcePoll), SourcePoll
	c, effects := Apply(c, Event{Kind: EvSocket}, noon())
	require.Equal(t, []NoticeKind{NoticeConnectionLost}, kinds(effects))
	require.Equal(t, noon().Add(FirstPoll), c.PollAt)
	c, effects = Apply(c, Event{Kind: EvSocket}, noon())
	require.Empty(t, effects)
	c, _ = Apply(c, Event{Kind: EvSocket, Alive: true}, noon())
	_, effects = Apply(c, Event{Kind: EvSocket}, noon())
	require.Equal(t, []NoticeKind{NoticeConnectionLost}, kinds(effects), "it was back, and is gone again")
}

// A reported end ends a session only in blind mode. Otherwise it requests a read.
func TestReportedEndEndsBlindSessions(t *testing.T) {
	t.Parallel()
	for _, s := range []State{StateQueued, StateAlerting, StateConnected, StateEnding} {
		c := handoverIn(s)
		same, _ := Apply(c, Event{Kind: EvSignalled, Began: noon()}, noon())
		require.Equal(t, s, same.State, "it can be read")
		c.Blind = true
		c, _ = Apply(c, Event{Kind: EvSignalled, Began: noon()}, noon())
		require.Equal(t, StateEnded, c.State, s)
		if s != StateEnding {
			require.Equal(t, CodeSignalled, c.Ending.Code)
			require.Equal(t, EndByGenesys, c.Ending.Reason)
		}
	}
}

// The permission may be removed just before the end: the signal reports the end, and the read that
// it requests is forbidden.
func TestASignalIsRememberedUntilARead(t *testing.T) {
	t.Parallel()
	signalled, _ := Apply(handoverIn(StateConnected), Event{Kind: EvSignalled, Began: ago(time.Minute)}, ago(time.Minute))
	ended, _ := Apply(denied(signalled), Event{Kind: EvBlind, Began: noon()}, noon())
	require.Equal(t, CodeSignalled, ended.Ending.Code)

	live, _ := Apply(signalled, shows(genesys.PhaseConnected), noon())
	require.Zero(t, live.EndSignalledAt, "a lie")
	on, _ := Apply(denied(live), Event{Kind: EvBlind, Began: noon()}, noon())
	require.Equal(t, StateConnected, on.State)

	older := shows(genesys.PhaseConnected)
	older.Began = ago(2 * time.Minute)
	still, _ := Apply(signalled, older, noon())
	require.NotZero(t, still.EndSignalledAt, "that read began before")
}

func TestBlindModeEndsWithThePermission(t *testing.T) {
	t.Parallel()
	c, effects := Apply(handoverIn(StateConnected), Event{Kind: EvBlind, Began: noon().Add(-DeniedPause)}, noon().Add(-DeniedPause))
	require.False(t, c.Blind)
	require.Empty(t, effects)
	require.Equal(t, noon(), c.PollAt, "a second 403 has to confirm it")
	c, effects = Apply(c, Event{Kind: EvBlind, Began: noon(), Permission: "a:b:c"}, noon())
	require.Equal(t, "a:b:c", effects[0].Permission)
	require.Equal(t, noon().Add(BlindPoll), c.PollAt, "it is tried again")
	_, effects = Apply(c, Event{Kind: EvBlind, Began: noon()}, noon())
	require.Empty(t, effects, "reported once")
	e := shows(genesys.PhaseEnded)
	e.Began = noon()
	c, _ = Apply(c, e, noon())
	require.False(t, c.Blind)
	require.Equal(t, StateEnded, c.State)
}

// A socket that is lost while a signal waits for its read does not put that off.
func TestALostSocketKeepsAReadThatWasAskedFor(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateConnected)
	c.Socket, c.PollAt, c.Poll = true, noon().Add(time.Second), false
	c, effects := Apply(c, Event{Kind: EvSocket}, noon())
	require.Equal(t, []NoticeKind{NoticeConnectionLost}, kinds(effects))
	require.Equal(t, noon().Add(time.Second), c.PollAt)
	require.False(t, c.Poll)
}

// A step counts against the source only if a poll was the first to show it. An end does not count.
func TestOnlyPolledStepsCountAgainstASource(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateQueued)
	c.SignalledAt, c.Unsignalled = ago(2*time.Minute), maxUnsignalled-1
	_, effects := Apply(c, shows(genesys.PhaseConnected), noon())
	require.Equal(t, []NoticeKind{NoticeAgentJoined}, kinds(effects), "there was a reason to read")
	_, effects = pollOf(c, noon(), genesys.PhaseEnded)
	require.NotContains(t, kinds(effects), NoticeConnectionLost)
	_, effects = pollOf(c, noon(), genesys.PhaseConnected)
	require.Contains(t, kinds(effects), NoticeConnectionLost)
}

// The signal arrives before the read that shows its step.
func TestASignalAnnouncesTheStepThatItsReadShows(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateConnected)
	for d, announced := range map[time.Duration]bool{sourceDelay: true, sourceDelay + time.Second: false} {
		c.SignalledAt = c.ChangedAt.Add(-d)
		alive, _ := Apply(c, Event{Kind: EvSocket, Alive: true}, noon())
		require.Equal(t, announced, alive.SignalledAt == noon(), d)
	}
}
