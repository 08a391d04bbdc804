package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// pollOf is a read at a time that nobody asked for.
func pollOf(c core, began time.Time, p genesys.Phase, with ...func(*genesys.Standing)) (core, []effect) {
	c.Poll, c.PollAt = true, began
	e := shows(p, with...)
	e.Began = began
	return apply(c, e, began.Add(time.Second))
}

// Two steps in a row that no signal announced: the source has died. One may just have been lost.
func TestASourceThatMissesStepsIsReported(t *testing.T) {
	t.Parallel()
	c := coreIn(StateQueued)
	c.Signalled = ago(2 * time.Minute)
	c, effects := pollOf(c, noon(), genesys.PhaseConnected)
	require.Equal(t, []NoticeKind{NoticeAgentJoined}, kinds(effects), "one may be late")
	c, effects = pollOf(c, noon().Add(time.Minute), genesys.PhaseConnected, byAgent("b2", "Ben"))
	require.Equal(t, []NoticeKind{NoticeAgentLeft, NoticeAgentJoined, NoticeConnectionLost}, kinds(effects))
	require.Zero(t, c.Signalled)
	require.LessOrEqual(t, c.PollAt.Sub(noon().Add(time.Minute)), time.Second+firstPoll, "polls are frequent again")
	_, effects = pollOf(c, noon().Add(2*time.Minute), genesys.PhaseConnected)
	require.Equal(t, []NoticeKind{NoticeAgentLeft, NoticeAgentJoined}, kinds(effects), "said once")
}

func TestASignalBetweenKeepsTheSource(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateQueued))
	e.Now.Signalled, e.Now.Unsignalled = ago(2*time.Minute), 1
	e.Now.PollAt, e.Now.Poll = noon().Add(time.Minute), true
	require.True(t, e.readSoon(e.Now))
	require.Zero(t, e.Now.Unsignalled)
	require.False(t, e.Now.Poll)
}

// Where nothing ever signalled, nothing is missed.
func TestPollingAloneIsNoLoss(t *testing.T) {
	t.Parallel()
	c := coreIn(StateQueued)
	for i, agent := range []string{"a1", "b2", "a1", "b2"} {
		var effects []effect
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
		"it announced the last move":      {signalled: time.Minute, trusted: true},
		"and more since":                  {signalled: time.Second, trusted: true},
		"it did not announce the last":    {signalled: 2 * time.Minute},
		"it never said a word of this":    {},
		"hours ago, and nothing happened": {signalled: 5 * time.Hour, trusted: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := coreIn(StateConnected)
			if test.signalled > 0 {
				c.Signalled = ago(test.signalled)
			}
			if test.signalled > time.Hour {
				c.Changed = ago(test.signalled)
			}
			c, effects := apply(c, event{Kind: evSocket, Alive: true}, noon())
			require.Empty(t, effects)
			require.True(t, c.Socket)
			require.Equal(t, test.trusted, c.Signalled.Equal(noon()))
		})
	}
}

func TestASocketThatIsGoneIsReportedOnce(t *testing.T) {
	t.Parallel()
	c, _ := apply(coreIn(StateConnected), event{Kind: evSocket, Alive: true}, noon())
	c.PollAt, c.PollEvery = noon().Add(sourcePoll), sourcePoll
	c, effects := apply(c, event{Kind: evSocket}, noon())
	require.Equal(t, []NoticeKind{NoticeConnectionLost}, kinds(effects))
	require.Equal(t, noon().Add(firstPoll), c.PollAt)
	c, effects = apply(c, event{Kind: evSocket}, noon())
	require.Empty(t, effects)
	c, _ = apply(c, event{Kind: evSocket, Alive: true}, noon())
	_, effects = apply(c, event{Kind: evSocket}, noon())
	require.Equal(t, []NoticeKind{NoticeConnectionLost}, kinds(effects), "it was back, and is gone again")
}

// In blind mode only, a signal that says so ends a session. Everywhere else it asks for a read.
func TestASignalThatSaysSoEndsBlindSessions(t *testing.T) {
	t.Parallel()
	for _, s := range []State{StateQueued, StateAlerting, StateConnected, StateEnding} {
		c := coreIn(s)
		same, _ := apply(c, event{Kind: evSignalled}, noon())
		require.Equal(t, s, same.State, "it can be read")
		c.Blind = true
		c, _ = apply(c, event{Kind: evSignalled}, noon())
		require.Equal(t, StateEnded, c.State, s)
		if s != StateEnding {
			require.Equal(t, CodeSignalled, c.Ending.Code)
			require.Equal(t, EndByGenesys, c.Ending.Reason)
		}
	}
}

// The permission may be taken away just before the end: the signal says it, and the read that it asks for is forbidden.
func TestASignalIsRememberedUntilARead(t *testing.T) {
	t.Parallel()
	told, _ := apply(coreIn(StateConnected), event{Kind: evSignalled}, ago(time.Minute))
	ended, _ := apply(told, event{Kind: evBlind, Began: noon()}, noon())
	require.Equal(t, CodeSignalled, ended.Ending.Code)

	live, _ := apply(told, shows(genesys.PhaseConnected), noon())
	require.Zero(t, live.Told, "a lie")
	on, _ := apply(live, event{Kind: evBlind, Began: noon()}, noon())
	require.Equal(t, StateConnected, on.State)

	older := shows(genesys.PhaseConnected)
	older.Began = ago(2 * time.Minute)
	still, _ := apply(told, older, noon())
	require.NotZero(t, still.Told, "that read began before")
}

func TestBlindModeEndsWithThePermission(t *testing.T) {
	t.Parallel()
	c, effects := apply(coreIn(StateConnected), event{Kind: evBlind, Began: noon(), Permission: "a:b:c"}, noon())
	require.Equal(t, "a:b:c", effects[0].Permission)
	require.Equal(t, noon().Add(blindPoll), c.PollAt, "it is tried again")
	_, effects = apply(c, event{Kind: evBlind, Began: noon()}, noon())
	require.Empty(t, effects, "said once")
	e := shows(genesys.PhaseEnded)
	e.Began = noon()
	c, _ = apply(c, e, noon())
	require.False(t, c.Blind)
	require.Equal(t, StateEnded, c.State)
}

// The Return waits for after-call work only if asked, and not for ever.
func TestAfterCallWork(t *testing.T) {
	t.Parallel()
	c := coreIn(StateConnected)
	ended, _ := apply(c, shows(genesys.PhaseWrapup), noon())
	require.Equal(t, StateEnded, ended.State)

	c.AwaitWrapup = true
	c, effects := apply(c, shows(genesys.PhaseWrapup), noon())
	require.Equal(t, StateConnected, c.State)
	require.Empty(t, effects)
	f := &file{Format: fileFormat, Created: 1, Now: &c}
	require.True(t, f.held(), "what the customer writes would open another conversation")
	kind, at := c.timer()
	require.Equal(t, timerWork, kind, "nobody has to speak")
	require.Equal(t, noon().Add(wrapupPatience), at)

	done, _ := apply(c, shows(genesys.PhaseEnded), noon())
	require.Equal(t, StateEnded, done.State)
	require.Equal(t, EndByAgent, done.Ending.Reason)
	back, _ := apply(c, shows(genesys.PhaseConnected), noon())
	require.Zero(t, back.Wrapup, "it goes on after all")
	late := shows(genesys.PhaseWrapup)
	late.Began = noon().Add(wrapupPatience)
	given, _ := apply(c, late, noon().Add(wrapupPatience))
	require.Equal(t, StateEnded, given.State, "an agent may never finish")
}

// A poll that is due and cannot have its small share of the budget becomes a read with a reason when a signal comes.
func TestASignalTakesOverAPollThatIsDue(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateQueued))
	e.Now.PollAt, e.Now.Poll, e.Now.ReadAt = ago(time.Second), true, ago(time.Minute)
	e.Now.Signalled, e.Now.Unsignalled = ago(2*time.Minute), 1
	e.Control.NotBefore = noon().Add(20 * time.Second)
	require.True(t, e.readSoon(e.Now))
	require.False(t, e.Now.Poll)
	require.Equal(t, noon(), e.Now.Signalled)
	require.Zero(t, e.Now.Unsignalled, "what it shows was announced")
	require.False(t, e.readSoon(e.Now), "the next one says nothing new")
}

// A socket that is lost while a signal waits for its read does not put that off.
func TestALostSocketKeepsAReadThatWasAskedFor(t *testing.T) {
	t.Parallel()
	c := coreIn(StateConnected)
	c.Socket, c.PollAt, c.Poll = true, noon().Add(time.Second), false
	c, effects := apply(c, event{Kind: evSocket}, noon())
	require.Equal(t, []NoticeKind{NoticeConnectionLost}, kinds(effects))
	require.Equal(t, noon().Add(time.Second), c.PollAt)
	require.False(t, c.Poll)
}

// A step counts against the source only if a mere poll saw it, and an end says nothing more of it.
func TestOnlyPolledStepsCountAgainstASource(t *testing.T) {
	t.Parallel()
	c := coreIn(StateQueued)
	c.Signalled, c.Unsignalled = ago(2*time.Minute), maxUnsignalled-1
	_, effects := apply(c, shows(genesys.PhaseConnected), noon())
	require.Equal(t, []NoticeKind{NoticeAgentJoined}, kinds(effects), "there was a reason to read")
	_, effects = pollOf(c, noon(), genesys.PhaseEnded)
	require.NotContains(t, kinds(effects), NoticeConnectionLost)
	_, effects = pollOf(c, noon(), genesys.PhaseConnected)
	require.Contains(t, kinds(effects), NoticeConnectionLost)
}

// The signal comes before the read that shows its step.
func TestASignalAnnouncesTheStepThatItsReadShows(t *testing.T) {
	t.Parallel()
	c := coreIn(StateConnected)
	for d, announced := range map[time.Duration]bool{sourceDelay: true, sourceDelay + time.Second: false} {
		c.Signalled = c.Changed.Add(-d)
		alive, _ := apply(c, event{Kind: evSocket, Alive: true}, noon())
		require.Equal(t, announced, alive.Signalled.Equal(noon()), d)
	}
}
