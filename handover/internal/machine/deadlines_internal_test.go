package machine

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
		with  func(*Handover)
		want  TimerKind
		at    Time
	}{
		"bot: maximum only":              {StateBot, nil, TimerKind(EndMaxDuration), started.Add(24 * time.Hour)},
		"requested: no agent":            {StateRequested, nil, TimerKind(EndNoAgent), ago(9 * time.Minute).Add(20 * time.Minute)},
		"queued: no agent":               {StateQueued, nil, TimerKind(EndNoAgent), ago(9 * time.Minute).Add(20 * time.Minute)},
		"alerting: no agent":             {StateAlerting, nil, TimerKind(EndNoAgent), ago(9 * time.Minute).Add(20 * time.Minute)},
		"requeued: waits again":          {StateQueued, func(c *Handover) { c.WaitingSince = ago(time.Minute) }, TimerKind(EndNoAgent), noon().Add(19 * time.Minute)},
		"connected: the agent is silent": {StateConnected, nil, TimerKind(EndAgentIdle), ago(time.Minute).Add(6 * time.Minute)},
		"the agent spoke last: warn first": {
			StateConnected, func(c *Handover) { c.AgentAt = noon() },
			TimerWarn, noon().Add(5 * time.Minute),
		},
		"no warning wanted": {
			StateConnected, func(c *Handover) { c.AgentAt, c.Timers.CustomerWarn = noon(), -1 },
			TimerKind(EndCustomerIdle), noon().Add(8 * time.Minute),
		},
		"the second stage counts from the first performed": {StateConnected, func(c *Handover) {
			// Genesys was down when it was planned.
			c.AgentAt, c.WarnedAt = noon(), noon().Add(time.Hour)
		}, TimerKind(EndCustomerIdle), noon().Add(time.Hour + 3*time.Minute)},
		"an earlier warning does not count": {
			StateConnected, func(c *Handover) { c.AgentAt, c.WarnedAt = noon(), ago(time.Second) },
			TimerWarn, noon().Add(5 * time.Minute),
		},
		"warned and no end wanted": {StateConnected, func(c *Handover) {
			c.AgentAt, c.WarnedAt, c.Timers.CustomerIdle = noon(), noon().Add(5*time.Minute), 0
		}, TimerKind(EndMaxDuration), started.Add(24 * time.Hour)},
		"the customer spoke last: the agent's turn": {
			StateConnected, func(c *Handover) { c.AgentAt, c.CustomerAt = ago(time.Second), noon() },
			TimerKind(EndAgentIdle), noon().Add(6 * time.Minute),
		},
		"the customer wrote before the agent joined": {
			StateConnected, func(c *Handover) { c.CustomerAt = ago(9 * time.Minute) },
			TimerKind(EndAgentIdle), ago(time.Minute).Add(6 * time.Minute),
		},
		"a new agent is not idle for the one before": {StateConnected, func(c *Handover) {
			c.CustomerAt, c.AgentAt, c.ChangedAt = ago(30*time.Minute), ago(40*time.Minute), noon()
		}, TimerKind(EndAgentIdle), noon().Add(6 * time.Minute)},
		"nor is the customer idle who waited for the new agent": {
			StateConnected, func(c *Handover) { c.AgentAt, c.ChangedAt = ago(8*time.Minute), noon() },
			TimerWarn, noon().Add(5 * time.Minute),
		},
		"ending: Genesys has 30 s": {StateEnding, nil, TimerEnd, ago(time.Minute).Add(30 * time.Second)},
		"off":                      {StateQueued, func(c *Handover) { c.Timers = Timers{NoAgent: -1, Max: -1} }, TimerNone, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := handoverIn(test.state)
			c.Timers = limits
			if test.with != nil {
				test.with(&c)
			}
			kind, at := c.Timer()
			require.Equal(t, test.want, kind)
			require.Equal(t, test.at, at)
		})
	}
}

func TestMustDisconnect(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateEnding)
	require.True(t, c.MustDisconnect(noon()))
	c.Disconnects, c.DisconnectedAt = 1, noon()
	require.False(t, c.MustDisconnect(noon().Add(SettlePeriod-time.Microsecond)), "the read may be older than the disconnect")
	require.True(t, c.MustDisconnect(noon().Add(SettlePeriod)))
	c.Disconnects = MaxDisconnects
	require.False(t, c.MustDisconnect(noon().Add(time.Hour)))
}
