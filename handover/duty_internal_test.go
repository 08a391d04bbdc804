package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimers(t *testing.T) {
	t.Parallel()
	limits := Timers{
		NoAgent: 20 * time.Minute, CustomerWarn: 5 * time.Minute, CustomerIdle: 8 * time.Minute, AgentIdle: 6 * time.Minute, Max: 24 * time.Hour,
	}
	started := ago(10 * time.Minute)
	for name, test := range map[string]struct {
		state State
		with  func(*core)
		want  timerKind
		at    time.Time
	}{
		"bot: maximum only":                 {StateBot, nil, timerKind(EndMaxDuration), started.Add(24 * time.Hour)},
		"requested: no agent":               {StateRequested, nil, timerKind(EndNoAgent), ago(9 * time.Minute).Add(20 * time.Minute)},
		"queued: no agent":                  {StateQueued, nil, timerKind(EndNoAgent), ago(9 * time.Minute).Add(20 * time.Minute)},
		"alerting: no agent":                {StateAlerting, nil, timerKind(EndNoAgent), ago(9 * time.Minute).Add(20 * time.Minute)},
		"requeued: waits anew":              {StateQueued, func(c *core) { c.Waiting = ago(time.Minute) }, timerKind(EndNoAgent), noon().Add(19 * time.Minute)},
		"connected: the agent says nothing": {StateConnected, nil, timerKind(EndAgentIdle), ago(time.Minute).Add(6 * time.Minute)},
		"the agent spoke last: warn first": {
			StateConnected, func(c *core) { c.AgentAt = noon() },
			timerWarn, noon().Add(5 * time.Minute),
		},
		"no warning wanted": {
			StateConnected, func(c *core) { c.AgentAt, c.Timers.CustomerWarn = noon(), -1 },
			timerKind(EndCustomerIdle), noon().Add(8 * time.Minute),
		},
		"the second stage counts from the first performed": {StateConnected, func(c *core) {
			c.AgentAt, c.Warned = noon(), noon().Add(time.Hour) // Genesys was down when it was planned
		}, timerKind(EndCustomerIdle), noon().Add(time.Hour + 3*time.Minute)},
		"a warning of before does not count": {
			StateConnected, func(c *core) { c.AgentAt, c.Warned = noon(), ago(time.Second) },
			timerWarn, noon().Add(5 * time.Minute),
		},
		"warned and no end wanted": {StateConnected, func(c *core) {
			c.AgentAt, c.Warned, c.Timers.CustomerIdle = noon(), noon().Add(5*time.Minute), 0
		}, timerKind(EndMaxDuration), started.Add(24 * time.Hour)},
		"the customer spoke last: the agent's turn": {
			StateConnected, func(c *core) { c.AgentAt, c.CustomerAt = ago(time.Second), noon() },
			timerKind(EndAgentIdle), noon().Add(6 * time.Minute),
		},
		"the customer wrote before the agent came": {
			StateConnected, func(c *core) { c.CustomerAt = ago(9 * time.Minute) },
			timerKind(EndAgentIdle), ago(time.Minute).Add(6 * time.Minute),
		},
		"a new agent is not idle for the one before": {StateConnected, func(c *core) {
			c.CustomerAt, c.AgentAt, c.Changed = ago(30*time.Minute), ago(40*time.Minute), noon()
		}, timerKind(EndAgentIdle), noon().Add(6 * time.Minute)},
		"nor is the customer idle who waited for the new agent": {
			StateConnected, func(c *core) { c.AgentAt, c.Changed = ago(8*time.Minute), noon() },
			timerWarn, noon().Add(5 * time.Minute),
		},
		"ending: Genesys has 30 s": {StateEnding, nil, timerEnd, ago(time.Minute).Add(30 * time.Second)},
		"off":                      {StateQueued, func(c *core) { c.Timers = Timers{NoAgent: -1, Max: -1} }, timerNone, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := coreIn(test.state)
			c.Timers = limits
			if test.with != nil {
				test.with(&c)
			}
			kind, at := c.timer()
			require.Equal(t, test.want, kind)
			require.Equal(t, test.at, at)
		})
	}
}

func TestTimersFire(t *testing.T) {
	t.Parallel()
	fire := func(c core, now time.Time) *edit {
		e := newEdit(&file{Now: &c})
		e.now = now
		e.fireTimers()
		return e
	}
	c := coreIn(StateQueued)
	c.Timers.NoAgent = 10 * time.Minute
	require.Equal(t, StateQueued, fire(c, noon().Add(time.Minute-1)).Now.State)
	e := fire(c, noon().Add(time.Minute))
	require.Equal(t, StateEnding, e.Now.State)
	require.Equal(t, EndNoAgent, e.Now.Ending.Reason)

	c = coreIn(StateConnected)
	c.AgentAt, c.Timers.CustomerWarn, c.Timers.CustomerIdle = noon(), time.Minute, 3*time.Minute
	e = fire(c, noon().Add(time.Hour))
	require.Equal(t, StateConnected, e.Now.State, "warned first, however late")
	require.Equal(t, NoticeIdle, e.In.Entries[0].Notice.Kind)
	e.now = noon().Add(time.Hour + 2*time.Minute - 1)
	e.fireTimers()
	require.Equal(t, StateConnected, e.Now.State)
	e.now = e.now.Add(1)
	e.fireTimers()
	require.Equal(t, EndCustomerIdle, e.Now.Ending.Reason)

	e = fire(coreIn(StateEnding), noon())
	require.Equal(t, StateEnded, e.Now.State, "an end waits 30 s for Genesys")
	require.Equal(t, EndByCustomer, e.Now.Ending.Reason)
	require.Equal(t, CodeNotDisconnected, e.Now.Ending.Code)
	require.Equal(t, "conversation", e.Orphans[0].Conversation, "it is disconnected later, where permitted")
}

func TestNextDuty(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state State
		with  func(*file)
		want  dutyKind
		at    time.Time
	}{
		"nothing": {StateEnded, nil, dutyNone, time.Time{}},
		"a read":  {StateQueued, func(f *file) { f.Now.PollAt = noon() }, dutyLook, noon()},
		"no read without a conversation": {
			StateRequested, func(f *file) { f.Now.ConversationID, f.Now.PollAt, f.Now.Routing = "", noon(), RouteByFlow },
			dutyLook, ago(9 * time.Minute).Add(time.Hour),
		},
		"nobody names the conversation": {
			StateRequested, func(f *file) { f.Now.ConversationID, f.Now.Asked = "", ago(time.Minute) }, dutyLook, noon().Add(time.Minute),
		},
		"a read where it was forbidden": {StateQueued, func(f *file) { f.Now.Blind, f.Now.PollAt = true, noon() }, dutyLook, noon()},
		"but a disconnect":              {StateEnding, func(f *file) { f.Now.Blind, f.Now.PollAt = true, ago(time.Hour) }, dutyLook, ago(time.Hour)},
		"and not again once the agent was told": {
			StateEnding, func(f *file) { f.Now.Blind, f.Now.LeftSent, f.Now.PollAt = true, true, ago(time.Hour) },
			dutyLook, ago(30 * time.Second),
		},
		"the end waits for an empty lane": {StateEnding, func(f *file) {
			f.Now.EndAsked, f.Now.PollAt = noon(), noon()
			f.Out.push(entry{Seq: 1, Kind: kindMessage, Message: new(Text("1", "words"))})
		}, dutyLook, noon().Add(10 * time.Second)},
		"a receipt": {StateEnded, func(f *file) { f.Receipts = []receipt{{ID: "1", Time: noon()}} }, dutyReceipt, noon()},
		"a receipt that failed waits for itself": {StateEnded, func(f *file) {
			f.Receipts = []receipt{{ID: "1", Time: ago(time.Hour), At: noon().Add(time.Minute)}, {ID: "2", Time: noon()}}
		}, dutyReceipt, noon()},
		"a receipt holds up no read": {StateQueued, func(f *file) {
			f.Now.PollAt, f.Receipts = noon(), []receipt{{ID: "1", Time: ago(time.Hour), At: noon().Add(1)}}
		}, dutyLook, noon()},
		"who writes without a session?":  {StateEnded, func(f *file) { f.Adopt = &adoption{At: noon()} }, dutyAdopt, noon()},
		"not while one is open":          {StateBot, func(f *file) { f.Adopt, f.Now.Timers.Max = &adoption{At: noon()}, -1 }, dutyNone, time.Time{}},
		"an orphan":                      {StateEnded, func(f *file) { f.Orphans = []orphan{{At: noon()}} }, dutyCleanup, noon()},
		"a last look":                    {StateEnded, func(f *file) { f.Check = &check{At: noon()} }, dutyCheck, noon()},
		"an orphan may be the open one":  {StateBot, func(f *file) { f.Orphans, f.Now.Timers.Max = []orphan{{At: noon()}}, -1 }, dutyNone, time.Time{}},
		"or the next one's":              {StateEnded, func(f *file) { f.Orphans, f.Next = []orphan{{At: noon()}}, &plan{} }, dutyNone, time.Time{}},
		"all of them wait after failure": {StateQueued, func(f *file) { f.Now.PollAt, f.Control.NotBefore = noon(), noon().Add(1) }, dutyLook, noon().Add(1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fileIn(test.state)
			if test.with != nil {
				test.with(f)
			}
			kind, at := f.duty()
			require.Equal(t, test.want, kind)
			require.Equal(t, test.at, at)
		})
	}
}

func TestMustDisconnect(t *testing.T) {
	t.Parallel()
	c := coreIn(StateEnding)
	require.True(t, c.mustDisconnect(noon()))
	c.Disconnects, c.Disconnected = 1, noon()
	require.False(t, c.mustDisconnect(noon().Add(settlePeriod-1)), "the read may be older than the disconnect")
	require.True(t, c.mustDisconnect(noon().Add(settlePeriod)))
	c.Disconnects = maxDisconnects
	require.False(t, c.mustDisconnect(noon().Add(time.Hour)))
}
