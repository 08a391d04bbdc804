package machine

import (
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

// A cell describes the effect of an event in a state as "state notices", where "state" may be
// "ended/reason" or "ended/reason/code". An empty cell means no change and no notice.
type cell map[State]string

// overIn fills the cells of all open states but ending with an end. A connected agent leaves first.
func overIn(how string, states ...State) cell {
	c := cell{}
	for _, s := range states {
		c[s] = "ended/" + how + " ended"
		if s == StateConnected {
			c[s] = "ended/" + how + " agentLeft ended"
		}
	}
	return c
}

func (c cell) and(s State, want string) cell {
	c[s] = want
	return c
}

// eventTable is design.md, section 3, as a table: every event in every state.
func eventTable() map[string]struct {
	event Event
	want  cell
} {
	open := []State{StateBot, StateRequested, StateQueued, StateAlerting, StateConnected}
	came := cell{
		StateBot: "connected agentJoined", StateRequested: "connected agentJoined",
		StateQueued: "connected agentJoined", StateAlerting: "connected agentJoined",
	}
	ben := byAgent("b2", "Ben")
	return map[string]struct {
		event Event
		want  cell
	}{
		"the host asks for an agent": {Event{Kind: EvHandOver}, cell{StateBot: "requested requested"}},
		"our side ends": {Event{Kind: EvEnd, Reason: EndByBot}, cell{
			StateBot: "ended/bot ended", StateRequested: "ending ending", StateQueued: "ending ending",
			StateAlerting: "ending ending", StateConnected: "ending ending",
		}},
		"Genesys accepted the opening":  {Event{Kind: EvAccepted, Conversation: "conversation"}, nil},
		"a webhook names it":            {Event{Kind: EvNamed, Conversation: "conversation"}, nil},
		"Genesys accepted the transfer": {Event{Kind: EvTransferred}, cell{StateRequested: "queued queued"}},
		"a read shows nothing":          {shows(genesys.PhaseUnknown), nil},
		"a read shows the flow":         {shows(genesys.PhaseFlow), nil},
		"a read shows no participant":   {shows(genesys.PhaseNotRouted), overIn("refused/flowNotAttached", StateRequested)},
		"a read shows the bot queue": {
			shows(genesys.PhaseQueued, inQueue("bots")),
			overIn("genesys", StateQueued, StateAlerting).and(StateConnected, "ended/agent agentLeft ended"),
		},
		"a read shows the agent queue": {shows(genesys.PhaseQueued), cell{
			StateRequested: "queued queued", StateAlerting: "queued declined queued", StateConnected: "queued agentLeft queued",
		}},
		"a read shows another queue": {shows(genesys.PhaseQueued, inQueue("billing")), cell{
			StateBot: "bot misrouted", StateRequested: "requested misrouted", StateQueued: "queued transferred queued",
			StateAlerting: "queued declined transferred queued", StateConnected: "queued agentLeft transferred queued",
		}},
		"a read shows Anna's phone": {shows(genesys.PhaseAlerting), cell{
			StateRequested: "alerting alerting", StateQueued: "alerting alerting", StateConnected: "alerting agentLeft alerting",
		}},
		"a read shows Ben's phone": {shows(genesys.PhaseAlerting, ben), cell{
			StateRequested: "alerting alerting", StateQueued: "alerting alerting",
			StateAlerting: "alerting declined alerting", StateConnected: "alerting agentLeft alerting",
		}},
		"a read shows Anna":        {shows(genesys.PhaseConnected), came},
		"a read shows Anna parked": {shows(genesys.PhaseParked), came},
		"a read shows Ben": {shows(genesys.PhaseConnected, ben), cell{
			StateBot: came[StateBot], StateRequested: came[StateBot], StateQueued: came[StateBot], StateAlerting: came[StateBot],
			StateConnected: "connected agentLeft agentJoined",
		}},
		"a read shows an agent":    {shows(genesys.PhaseConnected, byAgent("", "")), came},
		"a read shows after-work":  {shows(genesys.PhaseWrapup), overIn("agent/client", open...).and(StateEnding, "ended/customer ended")},
		"a read shows the end":     {shows(genesys.PhaseEnded), overIn("agent/client", open...).and(StateEnding, "ended/customer ended")},
		"one read is forbidden":    {Event{Kind: EvBlind, Began: ago(time.Second)}, nil},
		"a signal reports the end": {Event{Kind: EvSignalled, Began: noon()}, nil},
		"a socket is alive":        {Event{Kind: EvSocket, Alive: true}, nil},
		"there never was a socket": {Event{Kind: EvSocket}, nil},
		"the read finds nothing":   {Event{Kind: EvGone, Began: ago(time.Second)}, nil},
		"an agent writes":          {Event{Kind: EvAgentWrote, Began: ago(time.Second)}, came},
		"a message opened another": {Event{Kind: EvMoved, Conversation: "other"}, nil},
		"refused": {
			Event{Kind: EvRefused, Code: CodeQueue},
			overIn("refused/queue", open...).and(StateEnding, "ended/refused/queue ended"),
		},
		"failed": {
			Event{Kind: EvFailed, Code: CodeNoAnswer},
			overIn("failed/noAnswer", open...).and(StateEnding, "ended/failed/noAnswer ended"),
		},
		"nothing more can be done": {
			Event{Kind: EvReleased, Code: CodeNotDisconnected},
			cell{StateEnding: "ended/customer/notDisconnected ended"},
		},
	}
}

// A second 403 counts, 5 s after the first and with no other answer between them.
func TestASecondForbiddenReadIsBelieved(t *testing.T) {
	t.Parallel()
	forbidden := func(c Handover, at Time) (Handover, []Effect) {
		return Apply(c, Event{Kind: EvBlind, Began: at}, at)
	}
	for _, s := range []State{StateBot, StateRequested, StateQueued, StateAlerting, StateConnected} {
		c, _ := forbidden(handoverIn(s), noon())
		require.Equal(t, noon().Add(DeniedPause), c.PollAt)
		early, effects := forbidden(c, noon().Add(DeniedPause-time.Microsecond))
		require.False(t, early.Blind, s)
		require.Empty(t, effects, s)
		e, now := readAt(time.Second, genesys.PhaseUnknown)
		between, _ := Apply(c, e, now)
		between, _ = forbidden(between, noon().Add(DeniedPause))
		require.False(t, between.Blind, s)
		between, _ = Apply(c, Event{Kind: EvGone, Began: now}, now)
		between, _ = forbidden(between, noon().Add(DeniedPause))
		require.False(t, between.Blind, s)
		c, effects = forbidden(c, noon().Add(DeniedPause))
		require.True(t, c.Blind, s)
		switch s {
		case StateBot:
			require.Empty(t, effects)
		case StateRequested:
			require.Equal(t, CodePermission, c.Ending.Code)
		default:
			require.Equal(t, []NoticeKind{NoticeConnectionLost}, kinds(effects))
			require.Equal(t, s, c.State)
		}
	}
}

func TestEveryEventInEveryState(t *testing.T) {
	t.Parallel()
	for name, row := range eventTable() {
		for _, s := range allStates() {
			t.Run(name+" in "+string(s), func(t *testing.T) {
				t.Parallel()
				was := handoverIn(s)
				next, effects := Apply(was, row.event, noon())
				want := row.want[s]
				if want == "" {
					require.Equal(t, s, next.State)
					require.Empty(t, effects)
					return
				}
				words := strings.Fields(want)
				how := strings.Split(words[0], "/")
				require.Equal(t, how[0], string(next.State))
				require.Equal(t, words[1:], strings.Fields(strings.Join(asStrings(kinds(effects)), " ")))
				if len(how) > 1 {
					require.Equal(t, how[1], string(next.Ending.Reason))
				}
				if len(how) > 2 {
					require.Equal(t, how[2], next.Ending.Code)
				}
			})
		}
	}
}

func asStrings[T ~string](list []T) []string {
	var out []string
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

func TestEventTableIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[EventKind]bool{}
	phases := map[genesys.Phase]bool{}
	for _, row := range eventTable() {
		seen[row.event.Kind] = true
		phases[row.event.Standing.Phase] = true
	}
	for _, k := range []EventKind{
		EvHandOver, EvEnd, EvAccepted, EvTransferred, EvRead, EvBlind, EvGone, EvAgentWrote, EvMoved, EvRefused, EvFailed, EvReleased,
		EvNamed, EvSignalled, EvSocket,
	} {
		require.True(t, seen[k], k)
	}
	for _, p := range allPhases() {
		require.True(t, phases[p], p)
	}
}

func TestEndedIsNeverLeft(t *testing.T) {
	t.Parallel()
	for name, row := range eventTable() {
		was := handoverIn(StateEnded)
		next, effects := Apply(was, row.event, noon())
		require.Equal(t, was, next, name)
		require.Empty(t, effects, name)
	}
}

func TestEndingCanOnlyEnd(t *testing.T) {
	t.Parallel()
	for name, row := range eventTable() {
		next, _ := Apply(handoverIn(StateEnding), row.event, noon())
		require.Contains(t, []State{StateEnding, StateEnded}, next.State, name)
	}
}

// Only a confirmed read, a refusal, or our own side ends a session. No signal does, because Apply
// has no event for it. In the state bot our side ends it at once.
func TestOpenStatesEndOnlyByWhatIsCertain(t *testing.T) {
	t.Parallel()
	certain := map[EventKind]bool{EvRead: true, EvBlind: true, EvRefused: true, EvFailed: true, EvReleased: true}
	for name, row := range eventTable() {
		for _, s := range allStates() {
			if s == StateEnded {
				continue
			}
			if next, _ := Apply(handoverIn(s), row.event, noon()); next.State == StateEnded {
				require.True(t, certain[row.event.Kind] || s == StateBot && row.event.Kind == EvEnd, "%s in %s", name, s)
			}
		}
	}
}
