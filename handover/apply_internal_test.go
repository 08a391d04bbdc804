package handover

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// A cell says what an event does in a state: "state notices", where "state" may be "ended/reason" or "ended/reason/code"; empty:
// nothing moves and nobody is told.
type cell map[State]string

// over fills the cells of all open states but ending with an end: who is connected leaves first.
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
	event event
	want  cell
} {
	open := []State{StateBot, StateRequested, StateQueued, StateAlerting, StateConnected}
	came := cell{
		StateBot: "connected agentJoined", StateRequested: "connected agentJoined",
		StateQueued: "connected agentJoined", StateAlerting: "connected agentJoined",
	}
	ben := byAgent("b2", "Ben")
	return map[string]struct {
		event event
		want  cell
	}{
		"the host asks for an agent": {event{Kind: evHandOver}, cell{StateBot: "requested requested"}},
		"our side ends": {event{Kind: evEnd, Reason: EndByBot}, cell{
			StateBot: "ending ending", StateRequested: "ending ending", StateQueued: "ending ending",
			StateAlerting: "ending ending", StateConnected: "ending ending",
		}},
		"Genesys took the opening":  {event{Kind: evAccepted, Conversation: "conversation"}, nil},
		"a webhook names it":        {event{Kind: evNamed, Conversation: "conversation"}, nil},
		"Genesys took the transfer": {event{Kind: evTransferred}, cell{StateRequested: "queued queued"}},
		"a read tells nothing":      {shows(genesys.PhaseUnknown), nil},
		"a read shows the flow":     {shows(genesys.PhaseFlow), nil},
		"a read shows nobody":       {shows(genesys.PhaseNotRouted), overIn("refused/flowNotAttached", StateRequested)},
		"a read shows the bot queue": {
			shows(genesys.PhaseQueued, inQueue("bots")),
			overIn("genesys", StateQueued, StateAlerting).and(StateConnected, "ended/agent agentLeft ended"),
		},
		"a read shows the agent queue": {shows(genesys.PhaseQueued), cell{
			StateRequested: "queued queued", StateAlerting: "queued declined queued", StateConnected: "queued agentLeft queued",
		}},
		"a read shows another queue": {shows(genesys.PhaseQueued, inQueue("billing")), cell{
			StateRequested: "queued queued", StateQueued: "queued transferred queued",
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
		"a read shows somebody":   {shows(genesys.PhaseConnected, byAgent("", "")), came},
		"a read shows after-work": {shows(genesys.PhaseWrapup), overIn("agent/client", open...).and(StateEnding, "ended/customer ended")},
		"a read shows the end":    {shows(genesys.PhaseEnded), overIn("agent/client", open...).and(StateEnding, "ended/customer ended")},
		"the read is forbidden": {event{Kind: evBlind, Began: ago(time.Second)}, overIn("refused/permission", StateRequested).
			and(StateQueued, "queued connectionLost").and(StateAlerting, "alerting connectionLost").and(StateConnected, "connected connectionLost")},
		"a signal says it is over": {event{Kind: evSignalled}, nil},
		"a socket is alive":        {event{Kind: evSocket, Alive: true}, nil},
		"there never was a socket": {event{Kind: evSocket}, nil},
		"the read finds nothing":   {event{Kind: evGone, Began: ago(time.Second)}, nil},
		"an agent writes":          {event{Kind: evAgentSpoke, Began: ago(time.Second)}, came},
		"a message opened another": {event{Kind: evMoved, Conversation: "other"}, nil},
		"refused": {
			event{Kind: evRefused, Code: CodeQueue},
			overIn("refused/queue", open...).and(StateEnding, "ended/refused/queue ended"),
		},
		"failed": {
			event{Kind: evFailed, Code: CodeNoAnswer},
			overIn("failed/noAnswer", open...).and(StateEnding, "ended/failed/noAnswer ended"),
		},
		"nothing more can be done": {
			event{Kind: evReleased, Code: CodeNotDisconnected},
			cell{StateEnding: "ended/customer/notDisconnected ended"},
		},
	}
}

func TestEveryEventInEveryState(t *testing.T) {
	t.Parallel()
	for name, row := range eventTable() {
		for _, s := range allStates() {
			t.Run(name+" in "+string(s), func(t *testing.T) {
				t.Parallel()
				was := coreIn(s)
				next, effects := apply(was, row.event, noon())
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
	seen := map[eventKind]bool{}
	phases := map[genesys.Phase]bool{}
	for _, row := range eventTable() {
		seen[row.event.Kind] = true
		phases[row.event.Standing.Phase] = true
	}
	for _, k := range []eventKind{
		evHandOver, evEnd, evAccepted, evTransferred, evRead, evBlind, evGone, evAgentSpoke, evMoved, evRefused, evFailed, evReleased,
		evNamed, evSignalled, evSocket,
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
		was := coreIn(StateEnded)
		next, effects := apply(was, row.event, noon())
		require.Equal(t, was, next, name)
		require.Empty(t, effects, name)
	}
}

func TestEndingCanOnlyEnd(t *testing.T) {
	t.Parallel()
	for name, row := range eventTable() {
		next, _ := apply(coreIn(StateEnding), row.event, noon())
		require.Contains(t, []State{StateEnding, StateEnded}, next.State, name)
	}
}

// Only a confirmed read, a refusal, or our own side ends a session: no signal does, and apply knows none.
func TestOpenStatesEndOnlyByWhatIsCertain(t *testing.T) {
	t.Parallel()
	certain := map[eventKind]bool{evRead: true, evBlind: true, evRefused: true, evFailed: true, evReleased: true}
	for name, row := range eventTable() {
		for _, s := range allStates() {
			if s == StateEnded {
				continue
			}
			if next, _ := apply(coreIn(s), row.event, noon()); next.State == StateEnded {
				require.True(t, certain[row.event.Kind], "%s in %s", name, s)
			}
		}
	}
}
