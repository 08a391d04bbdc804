package handover

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What was noted by a release that knows more, or less, is told as it stands.
func TestExplainForeignWords(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]logLine{
		"teleported: to the moon": {What: "teleported", Why: "to\nthe moon"},
		"teleported":              {What: "teleported"},
		"it rings at an agent":    {What: "alerting", Why: "read"},
		"an agent is there":       {What: "connected", Why: "read"},
		"ended":                   {What: "ended", Why: "read"},
		"a session began, an agent wrote although there was none": {What: "connected", Why: "begun"},
		"a session began, the bot goes on answering":              {What: "bot", Why: "begun"},
		"an agent was asked for":                                  {What: "requested", Why: "handOver"},
		"a read shows it in a queue of agents":                    {What: "queued", Why: "read"},
		"given up, the host did not take it: the hand-back":       {What: saidGivenUp, Why: "return"},
		"a message of the agent did not get to the customer: x":   {What: saidLost, Why: "x"},
	} {
		require.Equal(t, want, l.sentence())
	}
}

// All that may end a session, wait for it, or come next, has words.
func TestExplainHasWordsForAll(t *testing.T) {
	t.Parallel()
	for _, r := range []EndReason{
		EndByAgent, EndByCustomer, EndByBot, EndNoAgent, EndCustomerIdle, EndAgentIdle, EndMaxDuration, EndByGenesys, EndRefused, EndFailed,
	} {
		require.Contains(t, Ending{Reason: r}.words(), "ended b", r)
	}
	for _, k := range []timerKind{
		timerWarn, timerEnd, timerWork, timerLost, timerKind(EndNoAgent), timerKind(EndCustomerIdle), timerKind(EndAgentIdle), timerKind(EndMaxDuration),
	} {
		require.Contains(t, k.words(), " ", k)
	}
	for _, s := range allStates() {
		c := coreIn(s)
		for _, k := range []dutyKind{dutyLook, dutyReceipt, dutyAdopt, dutyCleanup, dutyCheck} {
			require.Contains(t, k.words(&c), " ", k)
		}
	}
}

// A message that fails for minutes is one line, and a line is not long.
func TestLogStaysShort(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	for range 200 {
		e.queue(Text("m", "text"))
		e.failed(&e.Out.Entries[len(e.Out.Entries)-1], outcome{err: apiFault(500)})
	}
	require.Len(t, e.Log, 1)
	e.say(saidTransfer, strings.Repeat("ä", 1000))
	require.LessOrEqual(t, len(e.Log[1].Why), maxWhy+len("ä…"))
	for range 200 {
		e.say(saidIdle, "")
	}
	require.Len(t, e.Log, maxLog)
}
